// The definitions of services that run on Debian from its packages, as `shepherd-ts/system` exports them.

export { baseServices, desktopServices } from "./base.js";
export * from "./collection-types.js";
export { type DbusConfiguration, dbusConfiguration, dbusRootServiceType } from "./dbus.js";
export {
  type JobOptions,
  job,
  type McronConfiguration,
  type McronJob,
  mcronConfiguration,
  mcronServiceType,
  nextDay,
  nextHour,
  nextMinute,
  nextSecond,
} from "./mcron.js";
export {
  type LoopbackConfiguration,
  loopbackConfiguration,
  loopbackServiceType,
  type NetworkingConfiguration,
  networkingConfiguration,
  networkingServiceType,
} from "./networking.js";
export {
  type NginxConfiguration,
  type NginxLocation,
  type NginxLogLevel,
  type NginxServer,
  type NginxUpstream,
  nginxConfiguration,
  nginxLocation,
  nginxServer,
  nginxServiceType,
  nginxUpstream,
} from "./nginx.js";
export {
  type AuthorizedKeys,
  type OpensshConfiguration,
  type OpensshLogLevel,
  opensshConfiguration,
  opensshServiceType,
} from "./openssh.js";
export {
  type PostgresqlConfigFile,
  type PostgresqlConfiguration,
  type PostgresqlSetting,
  postgresqlConfigFile,
  postgresqlConfiguration,
  postgresqlServiceType,
} from "./postgresql.js";
export {
  type PostgresqlPermission,
  type PostgresqlRole,
  type PostgresqlRoleConfiguration,
  postgresqlRole,
  postgresqlRoleConfiguration,
  postgresqlRoleServiceType,
} from "./postgresql-roles.js";
export { type RedisConfiguration, redisConfiguration, redisServiceType } from "./redis.js";
export {
  defaultSyslogConf,
  type SyslogConfiguration,
  syslogConfiguration,
  syslogServiceType,
} from "./syslog.js";
export {
  type HiddenService,
  hiddenService,
  type PortMapping,
  type TorConfiguration,
  type TorTransportPlugin,
  torConfiguration,
  torHiddenService,
  torHiddenServiceType,
  torServiceType,
  torTransportPlugin,
} from "./tor.js";
export {
  fileToUdevRule,
  type UdevConfiguration,
  type UdevRule,
  type UdevRulesOptions,
  udevConfiguration,
  udevRule,
  udevRulesService,
  udevServiceType,
} from "./udev.js";
