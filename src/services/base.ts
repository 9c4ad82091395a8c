// The services that a system usually has: Guix's `%base-services` and `%desktop-services`, as far as they make sense in a
// container of Debian's.

import {
  logRotationServiceType,
  systemLogServiceType,
  timerServiceType,
  transientServiceType,
} from "./collection-types.js";
import { type Service, service } from "./composition/service-type.js";
import { dbusRootServiceType } from "./dbus.js";
import { loopbackServiceType, networkingServiceType } from "./networking.js";

/**
 * What every system wants: the loopback interface and the name `networking`; the system log, also under the name `syslogd`;
 * log rotation; and commands that clients have run in the background or at times.
 *
 * Of Guix's list these are not here: consoles and logins (a container has none); udev, which is made where a service adds
 * rules to it; the name service cache, which Debian does without; and the random seed, which is the host's. guix-daemon is
 * to be added by whoever has it: Debian does not. A system with a network, or a system log, of another kind leaves ours out:
 * `modifyServices(baseServices, [deleteService(networkingServiceType)])`.
 */
export const baseServices: readonly Service[] = Object.freeze([
  service(loopbackServiceType),
  service(networkingServiceType),
  service(systemLogServiceType),
  service(logRotationServiceType),
  service(timerServiceType),
  service(transientServiceType),
]);

/**
 * `baseServices`, and the system message bus. Of Guix's list the rest is not here: displays, sound, printers, power and
 * seats (elogind) belong to the host, and the network is managed there.
 */
export const desktopServices: readonly Service[] = Object.freeze([
  service(dbusRootServiceType),
  ...baseServices,
]);
