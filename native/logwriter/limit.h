// The size from which on a file is rotated.
#pragma once
#include "stream.h"

// From now on files with more than `size` bytes are rotated (0: none), and `keep` old ones are kept of each.
void limit_set(uint64_t size, unsigned keep);
// After a batch of that stream: rotates the file that it went to, if that has grown too large.
void limit_check(uint32_t slot);
// As file_rotate; and everybody else who appends to that file goes on in the new one.
int rotate_shared(struct file *file, unsigned keep, uint64_t larger, const char **stage);
