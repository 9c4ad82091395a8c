// What the supervisor does for units of systemd. Most systems have none: it is loaded when the first of these functions is
// called (see scripts/bundle.mjs). So there are only functions here, and nothing else of the supervisor may import what is
// behind them but types.

export { attendUnit } from "./attend.js";
export { readShortfalls } from "./execution/kept-shortfalls.js";
export { heirOf } from "./heir.js";
export { attendUnitPath, startUnitPath } from "./path.js";
export { reloadUnit } from "./reload.js";
export { attendUnitSocket, startUnitSocket, stopUnitSocket } from "./socket.js";
export { listeningText } from "./socket-listeners.js";
export { startUnit } from "./start.js";
export { finishUnit } from "./stop.js";
export { attendUnitTimer, startUnitTimer } from "./timer.js";
