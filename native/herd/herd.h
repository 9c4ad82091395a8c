// herd's launcher: has the running daemon carry a command out and show its outcome, over the socket beside
// the control socket; whatever it cannot do so, the client in Node does. src/protocol/launcher.ts has the
// protocol.
#ifndef HERD_H
#define HERD_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  MOST_ARGUMENTS = 512,
  MOST_REQUEST = 128 * 1024,      // bytes
  MOST_ANSWER = 80 * 1024 * 1024, // bytes of one message: as much as the client takes for a reply, and room
  MOST_REMEMBERED = 16 * 1024 * 1024, // bytes of lines that were shown
  MOST_LINES = 10000,                 // as many as the client remembers
  HELLO_WITHIN = 500,                 // ms
  ID_LENGTH = 32,
};

// A command line that the daemon understands.
struct line {
  const char *socket; // as it was given; NULL: the default
  bool json;
  int64_t log_history; // -1: not given
  int count;
  const char *operands[MOST_ARGUMENTS];
};

// What the client needs to go on with a request whose daemon was lost.
struct request {
  char id[ID_LENGTH + 1];
  struct writer bytes;
  struct writer shown; // lines, as fields
  int lines;
};

// command-line.c: false for what the launcher is not for.
bool read_command_line(int argc, char **argv, struct line *line);

// connection.c: a connection to a daemon that has said hello; -1 where there is none.
int reach_daemon(const struct line *line);

// request.c: false where it is too long.
bool write_request(const struct line *line, struct request *request);

// answer.c: the exit status; -1 where the connection ended without.
int copy_answer(int connection, struct request *request);

// client.c: executes the client in Node. `lost` is the request that it is to go on with, or NULL.
_Noreturn void run_client(char **argv, const struct request *lost);

// output.c
bool send_all(int connection, const uint8_t *bytes, size_t length);
// Writes everything; what nobody reads is dropped. The first other failure of standard output is kept.
void write_all(int descriptor, const uint8_t *bytes, size_t length);
extern int output_failure; // an errno, or 0
// "herd: error: WHAT…", as the client says it.
void complain(const char *what, const char *name, int error);

// The tags of fields.
enum {
  R_OPERAND = 1,
  R_DIRECTORY,
  R_ENVIRONMENT,
  R_TERMINALS,
  R_JSON,
  R_LOG_HISTORY,
  R_ID,
  R_COLUMNS,
  R_ROWS
};
enum { A_OUTPUT = 1, A_ERRORS, A_SHOWN, A_STATUS, A_LINE };
enum { L_ID = 1, L_SHOWN };

#endif
