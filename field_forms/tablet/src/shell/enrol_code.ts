/** An enrolment or unlock code as typed or scanned. Pure. */

const ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
export const CODE_LENGTH = 16;

/** Without dashes and spaces, in capitals. */
export function plainCode(text: string): string {
  return text.replace(/[\s-]/g, "").toUpperCase();
}

/** In groups of four, as it is printed. */
export function shownCode(text: string): string {
  return plainCode(text).replace(/(.{4})(?=.)/g, "$1-");
}

/** Why a typed code cannot be one, or null. */
export function codeProblem(text: string): "short" | "letters" | null {
  const code = plainCode(text);
  if ([...code].some((letter) => !ALPHABET.includes(letter))) return "letters";
  return code.length === CODE_LENGTH ? null : "short";
}

/** What a QR code holds: an enrolment link, a bare code, or something else. */
export function readQr(text: string, origin: string): { code: string } | { otherServer: string; link: string } | null {
  const bare = plainCode(text);
  if (codeProblem(bare) === null) return { code: bare };
  try {
    const link = new URL(text);
    const found = /^#enrol=(.+)$/.exec(link.hash);
    if (!found || codeProblem(found[1] ?? "") !== null) return null;
    return link.origin === origin ? { code: plainCode(found[1] ?? "") } : { otherServer: link.host, link: link.href };
  } catch {
    return null;
  }
}
