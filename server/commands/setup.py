"""`padan setup`: writes service unit, settings and proxy for a machine, and says what is left to do by hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from server.settings import env_example
from server.setup.plan import CADDY, CERTIFICATES, NGINX, PROXIES, PUBLIC, Plan, PlanProblem
from server.setup.writing import KEPT, SAME, Wrote, install, write_tree

_SAID = {"written": "ditulis", SAME: "sudah sama", KEPT: "yang lama dibiarkan; bandingkan dengan"}


@click.command("setup")
@click.option("--domain", help="Alamat yang dipakai tablet, mis. padan.bangkaselatankab.go.id")
@click.option("--install", "here", is_flag=True, help="Pasang di mesin ini (sebagai root); tanpa ini hanya ditulis.")
@click.option("--into", type=click.Path(path_type=Path), default=Path("padan-setup"), show_default=True,
              help="Folder tempat berkas ditulis untuk dilihat dulu.")  # fmt: skip
@click.option("--proxy", type=click.Choice(PROXIES), default=CADDY, show_default=True)
@click.option("--certificate", type=click.Choice(CERTIFICATES), default=PUBLIC, show_default=True,
              help="public: diambil dan diperpanjang sendiri; own: berkas dari Diskominfo.")  # fmt: skip
@click.option("--account", default="padan", show_default=True, help="Akun Linux yang menjalankan Padan.")
@click.option("--home", default="/var/lib/padan", show_default=True, help="Folder basis data, foto, catatan akses.")
@click.option("--backups", default="/var/backups/padan", show_default=True, help="Folder cadangan: di diska lain.")
@click.option("--campaign", default="verifikasi", show_default=True, help="Nama pendataan; tidak boleh berubah.")
@click.option("--port", type=click.IntRange(1024, 65535), default=8360, show_default=True)
@click.option("--settings", "show_settings", is_flag=True, help="Tampilkan semua setelan dan artinya, lalu selesai.")
def command(domain: str | None, here: bool, into: Path, show_settings: bool, **parts: Any) -> None:
    """Siapkan mesin: layanan, setelan, HTTPS / service unit, settings and proxy for this machine.

    Tanpa --install berkas ditulis ke folder untuk dilihat. Langkah lengkap: docs/pasang.md."""
    if show_settings:
        click.echo(env_example(), nl=False)
        return
    if not domain:
        raise click.UsageError("Sebutkan --domain, misalnya --domain padan.bangkaselatankab.go.id")
    try:
        plan = Plan(domain, **parts)
    except PlanProblem as problem:
        raise click.BadParameter(str(problem)) from problem
    if here and os.geteuid() != 0:
        raise click.ClickException("--install membutuhkan root: jalankan dengan sudo, atau tanpa --install.")
    wrote = install(plan, lambda what: click.echo(f"  dibuat: {what}")) if here else write_tree(plan, into)
    for each in wrote:
        click.echo(f"  {_SAID[each.outcome]}: {each.path}")
    click.echo("\nLangkah berikutnya (docs/pasang.md):")
    for number, step in enumerate(_steps(plan, here, wrote), 1):
        click.echo(f"  {number}. {step}")


def _steps(plan: Plan, here: bool, wrote: list[Wrote]) -> list[str]:
    steps = [] if here else ["Salin berkas itu ke tempatnya, atau jalankan lagi dengan sudo dan --install."]
    steps += [f"{each.path}: pindahkan isinya ke berkas lama." for each in wrote if each.outcome == KEPT]
    steps += ["padan migrate", "padan backup init", "systemctl enable --now padan"]
    if plan.proxy == NGINX:
        if plan.certificate == PUBLIC:
            steps.append(f"certbot certonly --standalone -d {plan.domain}")
        steps.append("ln -s ../sites-available/padan /etc/nginx/sites-enabled/ && nginx -t && systemctl reload nginx")
    else:
        steps.append("caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy")
    if plan.certificate != PUBLIC:
        certificate, key = plan.certificate_files
        steps.insert(-1, f"Letakkan sertifikat di {certificate} dan kuncinya di {key}.")
    return [*steps, "padan doctor"]
