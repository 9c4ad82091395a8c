// An action that greets, from the manual of GNU Guix: `herd di-hola ejemplo a b c`.

import { defineConfig, service, shepherdAction, write } from "shepherd-ts";

const diHola = shepherdAction({
  name: "di-hola",
  documentation: "¡Di hola!",
  // Gets the service's running value and then the arguments of the command line. What it prints goes to the client.
  procedure: (_running, ...args) => {
    console.log(`¡Hola, compa! parámetros: ${write(args)}`);
  },
});

export default defineConfig({
  services: [
    service(["ejemplo"], { documentation: "A service that only has an action.", actions: [diHola] }),
  ],
});
