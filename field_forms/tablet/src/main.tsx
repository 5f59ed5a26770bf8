/** The app's entry: takes the turn of this tablet's tabs, then draws the shell. */
import { render } from "preact";
import { App } from "./shell/app";
import { OtherTab, Root } from "./shell/screens/root";
import { askForTurn, takeTurn } from "./shell/single_tab";

const MOVED = "moved";
const place = document.getElementById("app")!;

async function begin(): Promise<void> {
  const app = await App.start();
  addEventListener("unhandledrejection", (event) => app.tellFailure(event.reason));
  addEventListener("error", (event) => app.tellFailure(event.error));
  // A tab that gave its turn away does not take it back by itself.
  const moved = sessionStorage.getItem(MOVED) !== null;
  sessionStorage.removeItem(MOVED);
  const turn = moved ? null : await takeTurn();
  if (!turn) return showOtherTab(app, moved);
  await app.updates.begin();
  void turn.asked.then(async () => {
    await app.autoLock.flush();
    sessionStorage.setItem(MOVED, "1");
    location.reload();
  });
  render(<Root app={app} />, place);
}

function showOtherTab(app: App, moved: boolean): void {
  const here = async () => {
    await askForTurn();
    location.reload();
  };
  render(<OtherTab app={app} moved={moved} here={() => void here()} />, place);
}

void begin();
