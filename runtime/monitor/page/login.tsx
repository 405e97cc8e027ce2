import { useState } from "preact/hooks";
import { logIn } from "./api.ts";
import { messageOf } from "./words.ts";

/** Asks for a token that may read the estate's metrics. */
export function Login({ onDone }: { onDone: () => void }) {
  const [token, setToken] = useState("");
  const [fault, setFault] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    logIn(token).then(onDone, (error: unknown) => setFault(messageOf(error)));
  };
  return (
    <main>
      <form class="login" onSubmit={submit}>
        <h1>MCP estate</h1>
        <label for="token">Token of the gateway</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          aria-describedby="where"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <p id="where" class="quiet">
          <code>npm run pulumi -- stack output gatewayToken --show-secrets</code>
        </p>
        <button type="submit">Log in</button>
        <p role="alert" class="bad">
          {fault}
        </p>
      </form>
    </main>
  );
}
