// Services of Debian 12 that run from their own unit files, with the probe that tells whether each serves.

export interface AcceptanceCase {
  readonly name: string;
  /** The Debian package. */
  readonly package: string;
  /** What is started and stopped. */
  readonly unit: string;
  /** A shell command that succeeds while the service serves. */
  readonly probe: string;
  /** A shell command before the start. */
  readonly prepare?: string;
  /** Whose the main process is; default root, and none where there is no main process. */
  readonly user?: string;
  /** `oneshot`: it is over when its start is. `socket`: its service starts with the first connection. */
  readonly kind?: "oneshot" | "socket";
  /** The service whose process is looked at, where it is not `unit`. */
  readonly service?: string;
  /** Its sockets, or the message bus, start it again for who asks, be it the probe: only its process must go with a stop. */
  readonly wakes?: true;
  /** Whether it can be told to reload; default: where its unit has ExecReload. Some units' own reload ends the program. */
  readonly reload?: false;
}

/** A name server answers anything at all for localhost. */
const nameServer = `python3 -c '
import socket, struct, sys
question = b"\\x09localhost\\x00" + struct.pack(">HH", 1, 1)
query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + question
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(1)
client.sendto(query, ("127.0.0.1", 53))
answer = client.recv(512)
sys.exit(0 if answer[:2] == query[:2] and answer[3] & 15 in (0, 2, 3, 5) else 1)'`;
const sshGreeting =
  "(sleep 0.2; printf 'QUIT\\r\\n') | timeout 2 nc -w1 127.0.0.1 22 | grep -q SSH-2.0-OpenSSH";
const bus = (destination: string, path: string, method: string): string =>
  `dbus-send --system --print-reply --dest=${destination} ${path} ${method} >/dev/null`;
const database = `su postgres -c "psql -Atc 'select 1'" | grep -qx 1`;

export const cases: readonly AcceptanceCase[] = [
  {
    name: "nginx",
    package: "nginx-light",
    unit: "nginx.service",
    probe: "curl -fsS -o /dev/null http://127.0.0.1/",
  },
  {
    name: "apache2",
    package: "apache2",
    unit: "apache2.service",
    probe: "curl -sI http://127.0.0.1/ | grep -qi '^server: apache'",
  },
  {
    name: "redis-server",
    package: "redis-server",
    unit: "redis-server.service",
    probe: "redis-cli -h 127.0.0.1 ping | grep -q PONG",
    user: "redis",
  },
  {
    name: "memcached",
    package: "memcached",
    unit: "memcached.service",
    probe: "printf 'version\\r\\nquit\\r\\n' | nc -w1 127.0.0.1 11211 | grep -q VERSION",
    user: "memcache",
  },
  {
    name: "mosquitto",
    package: "mosquitto",
    unit: "mosquitto.service",
    probe: "mosquitto_pub -h 127.0.0.1 -t t -m x",
    user: "mosquitto",
  },
  { name: "cron", package: "cron", unit: "cron.service", probe: 'kill -0 "$(cat /run/crond.pid)"' },
  {
    name: "rsyslog",
    wakes: true,
    package: "rsyslog",
    unit: "rsyslog.service",
    probe:
      "logger -u /run/systemd/journal/syslog -t probe accepted; sleep 0.2; grep -q accepted /var/log/syslog",
  },
  { name: "ssh", package: "openssh-server", unit: "ssh.service", probe: sshGreeting },
  {
    name: "ssh.socket",
    package: "openssh-server",
    unit: "ssh.socket",
    kind: "socket",
    service: "ssh.service",
    probe: sshGreeting,
  },
  {
    name: "postgresql",
    package: "postgresql-15",
    unit: "postgresql@15-main.service",
    user: "postgres",
    probe: database,
  },
  {
    name: "mariadb",
    package: "mariadb-server",
    unit: "mariadb.service",
    user: "mysql",
    probe: "mariadb-admin ping | grep -q alive",
  },
  {
    name: "haproxy",
    package: "haproxy",
    unit: "haproxy.service",
    probe: "echo 'show proc' | nc -w1 -U /run/haproxy-master.sock | grep -q master",
  },
  { name: "dnsmasq", package: "dnsmasq", unit: "dnsmasq.service", user: "dnsmasq", probe: nameServer },
  { name: "unbound", package: "unbound", unit: "unbound.service", user: "unbound", probe: nameServer },
  {
    name: "tor",
    package: "tor",
    unit: "tor@default.service",
    user: "debian-tor",
    probe: "nc -z 127.0.0.1 9050",
  },
  {
    name: "dbus",
    wakes: true,
    package: "dbus",
    unit: "dbus.service",
    user: "messagebus",
    probe: bus("org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames"),
  },
  {
    name: "avahi-daemon",
    wakes: true,
    package: "avahi-daemon",
    unit: "avahi-daemon.service",
    user: "avahi",
    probe: bus("org.freedesktop.Avahi", "/", "org.freedesktop.Avahi.Server.GetVersionString"),
  },
  {
    name: "php8.2-fpm",
    package: "php8.2-fpm",
    unit: "php8.2-fpm.service",
    probe:
      "REQUEST_METHOD=GET SCRIPT_NAME=/x SCRIPT_FILENAME=/nonexistent cgi-fcgi -bind -connect /run/php/php8.2-fpm.sock | grep -qi 'not found'",
  },
  {
    name: "node-exporter",
    package: "prometheus-node-exporter",
    unit: "prometheus-node-exporter.service",
    user: "prometheus",
    // Its unit sends HUP, which ends it.
    reload: false,
    probe: "curl -fsS -o /dev/null http://127.0.0.1:9100/metrics",
  },
  {
    name: "logrotate",
    package: "logrotate",
    unit: "logrotate.service",
    kind: "oneshot",
    prepare: "rm -f /var/lib/logrotate/status",
    probe: "[ -e /var/lib/logrotate/status ]",
  },
  {
    name: "chrony",
    package: "chrony",
    unit: "chrony.service",
    user: "_chrony",
    // It must not set this machine's clock.
    prepare: `echo 'DAEMON_OPTS="-F 0 -x"' >/etc/default/chrony`,
    probe: "chronyc -n tracking >/dev/null",
  },
  {
    name: "micro-httpd",
    package: "micro-httpd",
    unit: "micro-httpd.socket",
    kind: "socket",
    prepare: "echo hi >/var/www/html/index.html",
    probe: "curl -fsS -o /dev/null http://127.0.0.1/",
  },
  {
    name: "fcgiwrap",
    package: "fcgiwrap",
    unit: "fcgiwrap.socket",
    kind: "socket",
    service: "fcgiwrap.service",
    user: "www-data",
    probe:
      "REQUEST_METHOD=GET SCRIPT_FILENAME=/nonexistent cgi-fcgi -bind -connect /run/fcgiwrap.socket | grep -qi 'status: 40'",
  },
  { name: "bacula-fd", package: "bacula-fd", unit: "bacula-fd.service", probe: "nc -z 127.0.0.1 9102" },
  {
    name: "stubby",
    package: "stubby",
    unit: "stubby.service",
    // Of the range of dynamic users.
    user: "dynamic",
    probe: "nc -z 127.0.0.1 53",
  },
  {
    name: "postgresql (generator)",
    package: "postgresql-15",
    unit: "postgresql.service",
    service: "postgresql@15-main.service",
    user: "postgres",
    probe: database,
  },
  {
    name: "polkit",
    wakes: true,
    package: "polkitd",
    unit: "polkit.service",
    user: "polkitd",
    probe: bus(
      "org.freedesktop.PolicyKit1",
      "/org/freedesktop/PolicyKit1/Authority",
      "org.freedesktop.DBus.Introspectable.Introspect",
    ),
  },
  {
    name: "squid",
    package: "squid",
    unit: "squid.service",
    probe: "curl -sI http://127.0.0.1:3128/ | grep -qi squid",
  },
  {
    name: "varnish",
    package: "varnish",
    unit: "varnish.service",
    user: "vcache",
    probe: "curl -sI http://127.0.0.1:6081/ | grep -qi varnish",
  },
  {
    name: "atd",
    package: "at",
    unit: "atd.service",
    user: "daemon",
    probe:
      "rm -f /tmp/at-ok; echo 'touch /tmp/at-ok' | at now 2>/dev/null; for i in 1 2 3 4 5 6 7 8; do [ ! -e /tmp/at-ok ] || exit 0; sleep 0.3; done; exit 1",
  },
];
