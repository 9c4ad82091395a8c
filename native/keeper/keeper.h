// The keeper's records, and what its modules offer each other.
#ifndef KEEPER_H
#define KEEPER_H

#include "schema.h"

#include <errno.h>
#include <sys/types.h>
#include <time.h>

#define CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#define SECOND INT64_C(1000000000)
#define NEVER INT64_MAX

// ---- table.c: records by name, enumerated in the order in which they were made
struct entry {
  struct entry *chain, *previous, *next;
  char *name;
};

struct table {
  const char *what;
  size_t record_size, limit, count;
  struct entry *first, *last, *buckets[2048];
};

struct entry *table_find(const struct table *table, struct bytes name);
// The zeroed record of a new name, or NULL with fail() called.
struct entry *table_add(struct table *table, struct bytes name);
void table_remove(struct table *table, struct entry *entry);

// ---- report.c: failures, the keeper's voice, clocks, /proc
extern char failure[256]; // the text of the last fail()
int fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
int missing(const char *what, struct bytes name); // ENOENT
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void voice_open(void);
bool voice_write(const void *bytes, size_t length, int patience); // ms, for each part that it takes
int64_t now(clockid_t clock);                                     // ns
struct timespec timespec_of(int64_t nanoseconds);
bool proc_stat(pid_t pid, pid_t *parent, int64_t *start);
size_t proc_read(int directory, const char *path, char *text, size_t size);
char *string_of(struct bytes bytes, char *buffer, size_t size);
static inline int64_t integer_or(const struct request *r, enum field_tag tag, int64_t otherwise) {
  return r->values[tag].given ? r->values[tag].integer : otherwise;
}
#define INT(r, tag) ((r)->values[tag].integer)
#define BYTES(r, tag) ((r)->values[tag].bytes)
#define SHOWN(bytes) (int)((bytes).length < 120 ? (bytes).length : 120), (const char *)(bytes).at

// ---- state.c: the keeper's state, for the keeper that takes its place (replace.c)
struct owned {
  uint8_t *at;
  size_t length;
};

enum state_kind {
  S_INTEGER, // of 1, 4 or 8 bytes
  S_FD,      // an int, kept open while the next keeper is executed
  S_TEXT,    // char[]
  S_STRING,  // char *, allocated, or NULL
  S_VALUE,   // struct owned
  S_BUFFER,  // struct writer
  S_EVENT    // struct event
};

struct state_field {
  uint16_t tag; // from 2: 1 is the key of the record; 0 ends the list
  enum state_kind kind;
  size_t offset, size;
  void *variable; // instead of a record's member
};

#define STATE(kind, tag, type, member)                                                                       \
  { (tag), (kind), offsetof(type, member), sizeof((type *)0)->member, NULL }
#define STATE_OF(kind, tag, variable)                                                                        \
  { (tag), (kind), 0, sizeof(variable), &(variable) }

// Like records: those of a table, an array's, or (count 1) variables.
struct state_section {
  const struct state_field *fields;
  struct table *table;
  void *records;
  size_t record_size, count;
  void (*resume)(void *record); // in the new keeper, when everything was read
};

extern const struct state_section place_state, daemon_state, deaths_state, slots_state, descriptors_state,
    children_state, ring_state, orphans_state, notes_state, clocks_state, timers_state, tallies_state,
    events_state, requests_state;
int state_save(void); // a memory file, or -1 and errno
bool state_load(int fd);
void state_resume(void);
bool state_keep_descriptors(bool keep);

// ---- replace.c: the keeper replaces itself
int replace_options(char **argv); // takes one keeper's for the next from the front: how many
void replace_answer_probe(void);  // and ends, if this keeper is only a trial
bool replaces(void);              // whether this keeper takes another one's place
const char *replace_load(void);   // NULL, or what could not be done
void replace_done(void);
_Noreturn void replace_back(void); // to the keeper before this one
int replace_keeper(const struct request *r);
int replace_now(void); // if it was asked for: returns 0 if not, or why it failed
const char *replace_own_path(void);

// ---- main.c: the loop
struct source {
  void (*ready)(struct source *source, uint32_t events);
  bool watched;
};

bool watch(struct source *source, int fd, uint32_t events); // adds or changes
void unwatch(struct source *source, int fd);
void watch_closed(struct source *source); // its descriptor, which nobody else had, was closed
extern uint8_t scratch[65536];            // one function's at a time
extern const char *helper_path;

// ---- record.c: a boot that was recorded is done again
void record_begin(const char *path);
bool record_replays(void);
void record_work(void);                     // does what can be done now, at most a frame
int64_t record_tick(void);                  // when there is something to do
int record_permits(enum request_type type); // or an error: some are for a record, most are not
bool record_applies(void);                  // whether what is applied now is the record's
int expect_file(const struct request *r);
int expect_environment(const struct request *r);
int await_started(const struct request *r);
int make_directory(const struct request *r);

// ---- events.c: what happened and was not acknowledged
enum event_type {
  E_STARTED = 128,
  E_ENDED,
  E_ORPHAN,
  E_READABLE,
  E_DATAGRAM,
  E_TIMER,
  E_CLOCK,
  E_SIGNAL,
  E_RESTARTED
};

// Part of the record that it is about, so that raising one allocates nothing and cannot fail.
struct event {
  struct event *previous, *next;
  uint64_t number; // 0: not pending
  int64_t at;      // realtime, for the daemon
  int64_t since;   // monotonic, for deadlines
  enum event_type type;
};

void event_raise(struct event *event, enum event_type type);
void event_cancel(struct event *event);
const struct event *events_oldest(void);
void events_rewind(void);             // a new daemon has seen none
bool events_send(struct writer *out); // the next one which the daemon has not seen
int acknowledge(const struct request *r);
void events_mark(void); // before the events are saved: how far the daemon was told
void event_restore(struct event *event);
bool events_sort(void); // after all were restored
void signal_received(int number, pid_t pid, uid_t uid);
void clock_was_set(void);
int64_t events_fatal_since(int *number); // of the oldest pending signal that asks for the end, or NEVER

// ---- children.c
extern struct table children;
extern int64_t orphans_reaped;
extern bool orphans_wanted;
extern struct setups {
  size_t waiting; // children of which it is not known yet whether they execute their programs
  size_t failed;
} setups;
int spawn(const struct request *r);
int adopt(const struct request *r);
int kill_child(struct bytes id, int number, int scope);
bool child_lives(struct bytes id);
int signal_child(const struct request *r);
int signal_process(const struct request *r);
int stand_by(const struct request *r);
int stand_down(const struct request *r);
void children_reap(void);
void children_signal(int number); // each one's group
void child_put(const struct entry *entry, struct writer *out);
void child_put_event(const struct event *event, struct writer *out);
void child_acknowledged(struct event *event);

// ---- helper.c: the process of a new child, until it has executed the spawn helper
enum { HANDED_LOW = 13 }; // so many can be handed over under low numbers
struct handed {
  struct writer names; // what the helper is told of them
  size_t count;
  int fds[1024];
  bool low;
};
void helper_prepare(void);
bool helper_prefers_low(void);
int helper_number(const struct handed *handed, size_t index); // which the helper is to be told
pid_t helper_start(const struct handed *handed, int spec, int report);

// ---- descriptors.c, sockets.c
enum descriptor_kind { OTHER, PIPE_END, LISTENER, NOTIFY, CONNECTION, MEMORY, PAIR };

struct descriptor {
  struct entry entry;
  enum descriptor_kind kind;
  int fd;
  int slot, daemon_fd;                     // or -1
  bool watched, inherited, bound, packets; // a pair that keeps messages apart
  char *path;
  int64_t sender_start;
  struct source source;
  struct event event; // readable, or a datagram
};

extern struct table descriptors;
struct descriptor *descriptor_find(struct bytes name); // NULL with fail() called
struct descriptor *descriptor_add(struct bytes name, enum descriptor_kind kind, int fd);
int pipe_both_ways(int *writer); // a pipe's read-write descriptor, and if asked one that only writes
int make_descriptor(const struct request *r);
int make_socket(struct descriptor *descriptor, const struct request *r);
int close_descriptor(const struct request *r);
int watch_descriptor(const struct request *r);
int socket_pair(const struct request *r);
int accept_connection(const struct request *r);
int set_socket_option(const struct request *r);
int make_parents(char *path, mode_t mode);
int pass(const struct request *r);
int tell(const struct request *r);                   // each `data`, as a message of its own
void tell_after(const struct request *r, pid_t pid); // and `after`, with the pid in its place
void descriptor_put(const struct entry *entry, struct writer *out);
void descriptor_put_event(const struct event *event, struct writer *out);
int descriptor_acknowledged(struct event *event, struct bytes store);

// ---- slots.c
enum { SLOTS = 8, SLOT_BASE = 4 };
extern struct slot {
  struct source source;
  int family, fd;
  const struct descriptor *bound;
  int64_t waiting; // since when a connection may have waited, or 0
} slots[SLOTS];
void slots_renew(void);      // before each daemon
int64_t slots_waiting(void); // the oldest `waiting`, or NEVER
int64_t slots_sample(void);  // the oldest `waiting` that still holds, or NEVER
void slot_bind(int number, const struct descriptor *descriptor);

// ---- notes.c, timers.c
extern struct table notes, timers;
struct bytes note_value(const char *key);
bool owned_set(struct owned *owned, struct bytes bytes);
int put_note(const struct request *r);
int delete_note(const struct request *r);
void note_put(const struct entry *entry, struct writer *out);
bool timers_open(void);
int arm_timer(const struct request *r);
int disarm_timer(const struct request *r);
int end_children(const struct request *r);
void timer_put(const struct entry *entry, struct writer *out);
void timer_put_event(const struct event *event, struct writer *out);
void timer_acknowledged(struct event *event);

// ---- requests.c
// Applies the first frame of `input` if it is there whole: 1, 0, or -1 and what is wrong with it.
int requests_apply(struct bytes *input, struct writer *out, const char **wrong);

// Makes a failure of the last result, when its request fails after all.
void requests_take_back(struct writer *out, int error);

// ---- daemon.c: the one process that is started again
extern struct policy {
  int64_t silence, grace, window; // ns
  int64_t deaths;
  char culprit[256];
} policy;
extern pid_t daemon_pid; // 0: none lives
extern bool daemon_greeted, daemon_rescue;
extern int64_t daemon_generation;
extern int64_t daemon_due; // when the next one starts; NEVER while it hibernates
bool daemon_prepare(char **arguments);
bool daemon_start(void);
bool daemon_reaped(pid_t pid, int status); // false: it was not the daemon
void daemon_work(void);                    // moves what can be moved both ways
int64_t daemon_tick(void);                 // does what is due and returns when something will be
void daemon_resume(bool returned);         // of a keeper that was replaced, or was not after all
void daemon_part(void);                    // the end: it sees its channel closed
void daemon_put_event(struct writer *out);
int daemon_greets(const struct request *r);
bool daemon_gets(struct bytes environment, struct bytes arguments); // each is ended by NUL
int relaunch(const struct request *r);
int hibernate(const struct request *r);

// ---- inventory.c
bool inventory_send(struct writer *out); // the next part; false: all was sent
void inventory_rewind(void);

// ---- ending.c
int begin_shutdown(const struct request *r);
int finish(const struct request *r);
bool ending_begun(void);
_Noreturn void reap_only(void); // when nothing is known of what runs: until a signal asks for the end
int64_t ending_tick(void);      // ends the keeper when it is time, or returns when it may be

// ---- boot.c: what surrounds the keeper
extern struct place {
  bool init, initial; // PID 1, and that of the initial PID namespace: the init of a machine
  char boot_id[40];
  const char *manager; // NOTIFY_SOCKET
  int64_t started;
  int log, log_writer; // log/daemon, and the end of it that is the daemon's
} place;
const char *boot(bool fresh); // or in another keeper's place. NULL, or what could not be done
bool in_initial_namespace(void);
void mount_proc(void);
void mount_essentials(void);
bool use_reserve(bool use); // of descriptors, which only the start of a daemon may need
void child_reset(void);     // in a new child: signals and limits as the keeper found them
int tell_manager(const struct request *r);

#endif
