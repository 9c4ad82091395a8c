// One old file at a time is compressed, by a process that gets nothing but two descriptors: what it reads,
// and the draft that it writes. Names are ours alone, so no rotation in between can mix files up.
#pragma once
#include "file.h"

// What is to be compressed, or copied.
struct packing {
  int from, to; // the claim's; whoever passes them on leaves them open
  uint64_t length;
  uid_t uid; // of its owner
  gid_t gid;
  char path[PATH_MAX + 8]; // of what it is
};

// Claims the oldest old file that is not compressed yet and begins its draft; the claim before it is given
// up. 1; 0 if there is none; -1 with errno and the stage that failed.
int pack_claim(const struct file *file, struct packing *packing, const char **stage);
// Claims a file that another program writes, if it has more than `larger` bytes, up to its last whole line.
int pack_claim_foreign(const struct file *file, uint64_t larger, struct packing *packing, const char **stage);
// Puts the draft in place: of an old file under its number and `suffix`; of another program's file as FILE.1,
// which is cut off from the file then. Where that has changed meanwhile, nothing is done (ESTALE). The path;
// NULL with errno and the stage that failed. The claim is over in any case.
const char *pack_publish(const char *suffix, unsigned keep, const char **stage);
// Gives the claim up, and removes the draft.
void pack_abandon(void);
