// Where the control socket is, by the rule that GNU Shepherd's programs share.

export function defaultSocketPath(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number,
): string {
  const chosen = environment.SHEPHERD_SOCKET;
  if (chosen !== undefined) return chosen;
  if (uid === 0) return "/run/shepherd/socket";
  return `${environment.XDG_RUNTIME_DIR ?? `/run/user/${uid}`}/shepherd/socket`;
}
