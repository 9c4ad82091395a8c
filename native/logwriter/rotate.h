// Old files: FILE.1, FILE.2 and so on, each of which may have been compressed since.
#pragma once
#include "file.h"

enum { MOST_OLD_FILES = 1000 };
enum { SUFFIXES = 3 };
extern const char *const old_suffixes[SUFFIXES]; // of an old file's name; the first is ""

// The name of the n-th old file, false if it is too long; 0 is the file itself.
bool old_name(char name[NAME_MAX + 1], const char *base, unsigned n, const char *suffix);
// Where what is being made of an old file is, until it has that one's name.
bool old_draft(char name[NAME_MAX + 1], const char *base);
// Whether the n-th old file is there in that form.
bool old_find(const struct spot *spot, unsigned n, const char *suffix, struct stat *st);
// A writer that is killed when it has put a compressed file in place, and not yet removed the plain one,
// leaves both: the compressed one goes. Its time of change, which it has from the plain one, tells it.
void old_drop_double(const struct spot *spot, unsigned n);
// Makes room for FILE.1: older ones move up. With `keep` of them the oldest goes.
bool old_move_up(const struct spot *spot, unsigned keep);

// FILE becomes FILE.1 if it has more than `larger` bytes; what is appended from now on goes to a new FILE. 1
// with what FILE was; 0 if it is none to rotate; -1 with errno and the stage that failed.
int file_rotate(struct file *file, unsigned keep, uint64_t larger, struct stat *old, const char **stage);
// Removes old files that were last changed before `before`, those beyond `keep` (0: none), and a draft. How
// many; -1 with errno and the stage that failed.
int file_expire(const struct file *file, bool guarded, unsigned keep, time_t before, const char **stage);
