// slots: claims and releases slots at random, in one process after the other over the same memory file, and
// compares with a list of its own. Exits with 1 where they differ. Built with -Dmemcmp=compare_counted, so
// that names are compared as often as is counted here.
#include "slots.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES = MAX_STREAMS + 100, LIVES = 4, STEPS = 60000, MOST_COMPARED = 8 };

struct commit *commit;
static struct {
  int slot[NAMES]; // -1: the name has none
  int used, holder[MAX_STREAMS];
} * model;
static size_t compared, looked;

int compare_counted(const void *a, const void *b, size_t length) {
  const unsigned char *x = a, *y = b;
  compared++;
  for (size_t i = 0; i < length; i++)
    if (x[i] != y[i])
      return 1;
  return 0;
}

static void check(bool right, const char *what, int name) {
  if (right)
    return;
  fprintf(stderr, "%s: name %d\n", what, name);
  _exit(1);
}

static void step(int name) {
  char text[MAX_NAME + 1];
  size_t length = (size_t)sprintf(text, "service-%05d", name);
  int *slot = &model->slot[name];
  looked++;
  check(slots_find(text, length) == *slot, "find", name);
  if (*slot >= 0 && rand() % 2) {
    slots_release((uint32_t)*slot);
    check(slots_find(text, length) < 0, "find after the release", name);
    model->holder[*slot] = -1;
    model->used--;
    *slot = -1;
    return;
  }
  int claimed = slots_claim(text, length);
  if (*slot >= 0) {
    check(claimed == *slot, "claim again", name);
    return;
  }
  check((claimed >= 0) == (model->used < MAX_STREAMS), "claim", name);
  if (claimed < 0)
    return;
  check(model->holder[claimed] < 0, "claim of a slot that is another's", name);
  model->holder[claimed] = name;
  model->used++;
  *slot = claimed;
}

static void live(int life) {
  alarm(60); // a list that goes in a circle has no end
  srand((unsigned)life + 1);
  slots_read();
  if (life == 1)
    for (int name = 0; name < NAMES; name++) // until it is full
      while (model->slot[name] < 0 && model->used < MAX_STREAMS)
        step(name);
  check(life != 1 || model->used == MAX_STREAMS, "fill", 0);
  for (int i = 0; i < STEPS; i++)
    step(rand() % NAMES);
  check(compared < looked * MOST_COMPARED, "too many names were compared", (int)(compared / looked));
  _exit(0);
}

int main(void) {
  int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, status = 0;
  commit = mmap(NULL, sizeof *commit, PROT_READ | PROT_WRITE, flags, -1, 0);
  model = mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (commit == MAP_FAILED || model == MAP_FAILED)
    return 2;
  for (int i = 0; i < NAMES; i++)
    model->slot[i] = -1;
  for (int i = 0; i < MAX_STREAMS; i++)
    model->holder[i] = -1;
  for (int life = 0; life < LIVES && status == 0; life++) {
    pid_t pid = fork();
    if (pid == 0)
      live(life);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
      return 2;
  }
  return status ? 1 : 0;
}
