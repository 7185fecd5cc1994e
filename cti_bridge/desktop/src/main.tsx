import { render } from "preact";
import { Login } from "./components/login";
import { Workspace } from "./components/workspace";
import { asked, resume, session } from "./store";

function App() {
  if (!asked.value) return null;
  return session.value === null ? <Login /> : <Workspace />;
}

render(<App />, document.getElementById("app")!);
void resume();
