// The socket to the daemon.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Sends one message, with these two descriptors (NULL: none). False if it must be tried again; if nobody is
// there to be told it counts as sent.
bool control_send(const uint8_t *bytes, size_t length, const int fds[2]);
// Receives one message; -1 with errno, 0 at the end. `fd` is the first descriptor that came with it, -1 if
// none did, or if there was no room for it: then it was dropped. One that does not fit is cut, and not whole.
ssize_t control_receive(uint8_t *bytes, size_t size, int *fd, bool *whole, bool *dropped);
