// Where the control socket is, by the rule that GNU Shepherd's programs share.

export function defaultSocketPath(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
): string {
  const chosen = environment.SHEPHERD_SOCKET;
  if (chosen !== undefined) return chosen;
  if (uid === 0) return "/run/shepherd/socket";
  const { XDG_RUNTIME_DIR: directory } = environment;
  // The XDG specification: a name that is not absolute is to be ignored.
  return `${directory?.startsWith("/") ? directory : `/run/user/${uid}`}/shepherd/socket`;
}
