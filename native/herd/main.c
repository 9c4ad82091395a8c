// herd, as people type it: the daemon runs the command and we show what it says, since a process of Node
// takes ten times as long to start as the answer takes. For every other command, and where no daemon says
// hello, the client in Node is executed.
#include "herd.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

// A standard descriptor that is closed must not become that of the connection. Node does the same.
static void open_standard_descriptors(void) {
  for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++)
    if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
      _exit(1);
}

int main(int argc, char **argv) {
  static struct line line;
  static struct request request;
  open_standard_descriptors();
  if (argc < 1 || !read_command_line(argc, argv, &line) || !write_request(&line, &request))
    run_client(argv, NULL);
  int connection = reach_daemon(&line);
  if (connection < 0)
    run_client(argv, NULL);
  // These are errors of writing, as for Node.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  // From here on the daemon may have begun it: who goes on asks about this very request.
  int status = -1;
  if (send_all(connection, request.bytes.bytes, request.bytes.used))
    status = copy_answer(connection, &request);
  if (status < 0)
    run_client(argv, &request);
  if (output_failure == 0)
    return status;
  complain("cannot write to ", "standard output", output_failure);
  return 1;
}
