/** The app's entry: draws the shell. */
import { render } from "preact";

render(<h1>Padan</h1>, document.getElementById("app")!);
