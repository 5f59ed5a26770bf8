/** Help: to be written with the backup file. */
import type { App } from "../app";
import { Page } from "../parts";

export function TroublePage({ app }: { app: App }) {
  return <Page app={app} title={app.words.trouble.title} back={() => app.routes.back()}>{""}</Page>;
}
