/* okg: hot updates for game servers on Kubernetes with OpenKruiseGame. The C ABI, all of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * Conventions
 *
 *  1. C11. Everything here is part of the stable ABI: functions and fields are added, never changed or removed,
 *     within one OKG_ABI number (the .so's suffix). \since tells the version that brought a declaration.
 *  2. Strings that go in are UTF-8 and NUL-terminated unless a length is given beside them; okg copies what it keeps.
 *     Strings that come out live as long as their comment says; none has to be freed.
 *  3. Option structs begin with their own size. Start from their OKG_…_INIT; a program built against an older header
 *     passes a shorter struct, and what it does not have takes its default. 0 or NULL in any field means its default.
 *  4. Functions that can fail return an okg_code and, where an okg_error pointer is given (it may be NULL), say more in
 *     it. `retriable` tells whether the same call may succeed later without anybody mending anything.
 *  5. A NULL handle is allowed everywhere: the call does nothing and returns OKG_INVALID_ARGUMENT, 0, NULL or "".
 *  6. Threads: a function may be called from any thread at any time unless its comment says otherwise. okg_poll(),
 *     okg_start() and okg_close() are for one thread at a time, the polling thread.
 *  7. Callbacks run on the polling thread, inside okg_start(), okg_poll(), okg_close() or okg_unsubscribe(), with two
 *     exceptions: `prepare` runs on okg's worker thread, and the log sink on any thread. From a callback on the polling
 *     thread every function may be called; okg_poll() and okg_start() then do nothing (OKG_BUSY), and okg_close() and
 *     okg_release() take effect when the call that made the callback returns. From `prepare` and the log sink only the
 *     functions for any thread may be called; of the others, okg_close() and okg_release() take effect with the next
 *     okg_poll() when called from `prepare`. After okg_close() or okg_unsubscribe() has returned, no callback of theirs is
 *     called any more; a handler that unsubscribes in a callback of its own still sees its objects discarded, before that
 *     okg_poll(), or one of the next if its budget is used up, returns.
 *  8. Nothing here prints, aborts, exits, installs a signal handler or throws. A C++ exception that a callback lets out
 *     is caught and counts as its failure (OKG_CRASHED). Handlers may be compiled with or without exceptions.
 *  9. Every wait has a deadline. okg_close() takes less than 100 ms of okg's own time; a `prepare` that is running is
 *     told to stop and waited for.
 * 10. fork(): in the child every handle is closed and no lock is held; what it inherits is closed by exec.
 * 11. Durations are nanoseconds in int64_t, sizes are bytes.
 */
#ifndef OKG_OKG_H
#define OKG_OKG_H

#include <stddef.h>
#include <stdint.h>

#define OKG_VERSION_MAJOR 0
#define OKG_VERSION_MINOR 1
#define OKG_VERSION_PATCH 0

#if defined(__GNUC__) || defined(__clang__)
#define OKG_API __attribute__((visibility("default")))
#define OKG_PRINTF(text, arguments) __attribute__((__format__(__printf__, text, arguments)))
#else
#define OKG_API
#define OKG_PRINTF(text, arguments)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Versions and errors ---------------------------------------------------------------------------------------- */

/* The library's version, "0.1.0". \since 0.1 */
OKG_API const char *okg_version(void);

/* What can go wrong. The comment tells who has to act. \since 0.1 */
typedef enum okg_code {
  OKG_OK = 0,
  OKG_INVALID_ARGUMENT = 1, /* the caller: mend the call */
  OKG_CLOSED = 2,           /* the caller: the server is closed, or this is a fork */
  OKG_IN_USE = 3,           /* the operator: another server holds this run directory */
  OKG_NOT_FOUND = 4,        /* the caller: there is no such thing */
  OKG_UNSUPPORTED = 5,      /* nobody: this system cannot do it */
  OKG_DENIED = 6,           /* the operator: owner, mode or mount */
  OKG_IO = 10,              /* retry */
  OKG_NO_SPACE = 11,        /* retry once there is room; the buffer or the disk is too small */
  OKG_TIMEOUT = 12,         /* retry */
  OKG_BUSY = 13,            /* retry */
  OKG_NO_MEMORY = 14,       /* retry */
  OKG_DIGEST_MISMATCH = 20, /* the publisher: content is not what its digest says */
  OKG_BAD_MANIFEST = 21,    /* the publisher */
  OKG_BAD_LIST = 22,        /* the publisher */
  OKG_BAD_PATH = 23,        /* the publisher */
  OKG_REQUIRES = 24,        /* the operator: the payload wants another server version */
  OKG_UNHANDLED = 25,       /* the developer: a component without a handler changed */
  OKG_REJECTED = 26,        /* the publisher: a handler refused the content */
  OKG_CRASHED = 27,         /* the developer: a handler threw, or the process died in it */
  OKG_CONFIRM = 28,         /* the operator: `okg run` could not confirm the new content */
  OKG_REPORT_BAD = 29,      /* the publisher: the game reported the payload as bad */
  OKG_SUPERSEDED = 30,      /* nobody: something newer is wanted */
  OKG_CRASH_LOOP = 31,      /* the publisher: the process ended too often while it took the payload into use */
  OKG_INTERNAL = 40,        /* us: please report it */
  OKG_CORRUPT = 50,         /* the operator: a hot-state segment is damaged, or is none; it was left as it is */
  OKG_NO_HEADROOM = 51,     /* the operator: the container's memory limit leaves no room; retry once there is some */
  OKG_SCHEMA_MISMATCH = 52, /* the developer: a table holds records of another schema; they were left as they are */
  OKG_CONFLICT = 53         /* the caller: somebody else changed what a transaction expected: look again */
} okg_code;

/* One English sentence; never NULL, static. \since 0.1 */
OKG_API const char *okg_strerror(okg_code code);

/* Filled by a call that fails, and by handlers that refuse. The layout never changes. \since 0.1 */
typedef struct okg_error {
  int32_t code;      /* okg_code */
  int32_t retriable; /* 1: the same may work later */
  char text[1016];   /* one line, NUL-terminated UTF-8: what, where, what to do */
} okg_error;

/* Fills `error` (NULL: does nothing) as printf would, and returns `code`: `return okg_fail(error, OKG_REJECTED, …)`.
 * `retriable` follows from the code. \since 0.1 */
OKG_API okg_code okg_fail(okg_error *error, okg_code code, const char *format, ...) OKG_PRINTF(3, 4);

/* ---- Server ----------------------------------------------------------------------------------------------------- */

typedef struct okg_server okg_server;             /* a game server's link to okg */
typedef struct okg_payload okg_payload;           /* one verified, immutable payload; reference-counted */
typedef struct okg_stop okg_stop;                 /* tells a running prepare that its result is no longer wanted */
typedef struct okg_subscription okg_subscription; /* a registered handler */

typedef enum okg_log_level {
  OKG_LOG_DEFAULT = 0, /* OKG_LOG of the environment, else info */
  OKG_LOG_ERROR = 1,
  OKG_LOG_WARN = 2,
  OKG_LOG_INFO = 3,
  OKG_LOG_DEBUG = 4
} okg_log_level;

/* Any thread, two at once possible. `category` and `text` (not NUL-terminated: `size` bytes) live for the call. */
typedef void (*okg_log_fn)(void *user, okg_log_level level, const char *category, const char *text, size_t size);

/* Where a field is 0 or NULL, the environment decides, then the default (docs/interface.md, section 3). \since 0.1 */
typedef struct okg_options {
  size_t size;                /* sizeof(okg_options) as the caller knows it */
  const char *name;           /* OKG_NAME: tells servers of one user apart, off-cluster */
  const char *server_version; /* "2.4.0": what a payload's "requires" is compared with, and part of boot.json's keys */
  const char *payload_dir;    /* OKG_PAYLOAD_DIR */
  const char *run_dir;        /* OKG_RUN_DIR */
  const char *http;           /* OKG_HTTP: "127.0.0.1:9400", a second listener for probes and metrics */
  const char *legacy_reload;  /* OKG_LEGACY_RELOAD: "/reload", the route of the upstream document */
  const char *token_file;     /* OKG_TOKEN_FILE */
  int64_t tick_timeout_ns;    /* OKG_TICK_TIMEOUT, 5 s: without a poll for so long the game loop counts as stalled */
  int64_t probation_ns;       /* OKG_PROBATION, 10 s; -1: none, a committed payload is good at once */
  okg_log_fn log;             /* NULL: silence */
  void *log_user;
  okg_log_level log_level;
  int32_t reserved;              /* 0 */
  void (*released)(void *user);  /* called once, by the call that frees the server, after its last callback: frees what
                                    the `user` pointers lead to. NULL: none. Not called when okg_connect() fails */
  void *released_user;
  const char *controller;        /* OKG_CONTROLLER: "kubernetes", "downward", "local", "off" or "auto" */
  int64_t update_timeout_ns;     /* OKG_UPDATE_TIMEOUT, 60 s: how long an update waits for okg_allow_update() */
} okg_options;

#define OKG_OPTIONS_INIT { sizeof(okg_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, OKG_LOG_DEFAULT, 0, 0, 0, 0, 0 }

/* Makes a server; starts no thread and waits for nothing. `options` may be NULL. On success *server has to be released
 * with okg_release(). Fails with OKG_IN_USE when another server, in this process or another, holds the run directory,
 * and with OKG_INVALID_ARGUMENT when an option or an environment variable cannot be understood. A payload or run
 * directory that is not there (yet) is no failure: okg says so in log and status, and goes on looking. \since 0.1 */
OKG_API okg_code okg_connect(const okg_options *options, okg_server **server, okg_error *error);

/* Begins: watches the payload volume, opens the endpoint <run>/okg.sock, and waits up to `initial_payload_ns` until a
 * payload is in use, calling the handlers meanwhile. 0 does not wait (the first payload then arrives in okg_poll()).
 * From success on the server is ready, unless okg_set_ready() said otherwise. OKG_TIMEOUT when no payload came, or the
 * failure of the one that did when nothing older could take its place: okg goes on in the background, and okg_start()
 * may be called again to wait more. Polling thread. \since 0.1 */
OKG_API okg_code okg_start(okg_server *server, int64_t initial_payload_ns, okg_error *error);

/* Runs what is due: commits, rollbacks, discards. Call it at a safe point of each turn of the game loop; with nothing
 * to do it is one atomic load and one store. `budget_ns` bounds the work begun in this call (0: no bound); one piece is
 * always done, and the commits of one payload belong together. Returns the number of callbacks made. Polling thread.
 * \since 0.1 */
OKG_API int okg_poll(okg_server *server, int64_t budget_ns);

/* A descriptor that is readable while okg_poll() has something to do, for loops that sleep in epoll, Asio or libuv. It
 * stays okg's: do not read or close it. Having asked for it tells okg that not polling is normal while it is quiet.
 * -1 when closed. \since 0.1 */
OKG_API int okg_poll_fd(okg_server *server);

/* Ready (1) or not (0) for players, as the readiness probe and `okg status` show it. `reason` may be NULL. \since 0.1 */
OKG_API okg_code okg_set_ready(okg_server *server, int ready, const char *reason, okg_error *error);

/* Writes status (schema okg.status/v1, docs/interface.md section 5) as NUL-terminated JSON. *length, where not NULL, is
 * what the whole text needs without its NUL. OKG_NO_SPACE when it did not fit: nothing was written. \since 0.1 */
OKG_API okg_code okg_status_json(okg_server *server, char *buffer, size_t capacity, size_t *length);

/* Stops everything: threads joined, endpoint and locks gone, staged and kept objects discarded (here, on this thread).
 * Idempotent; the handle stays valid and answers OKG_CLOSED until okg_release(). Polling thread. \since 0.1 */
OKG_API void okg_close(okg_server *server);

/* okg_close() and frees the handle. Pinned payloads stay valid. NULL is allowed. Polling thread. \since 0.1 */
OKG_API void okg_release(okg_server *server);

/* ---- Reload ----------------------------------------------------------------------------------------------------- */

/* Worker thread. Builds what the component needs out of `payload` (alive for the call; pin it to keep it) into *staged,
 * touching nothing that is in use. Look at okg_stop_requested() now and then. Anything but OKG_OK refuses the payload;
 * OKG_IO, OKG_TIMEOUT, OKG_BUSY and OKG_NO_MEMORY are tried again with backoff. */
typedef okg_code (*okg_prepare_fn)(void *user, const okg_payload *payload, const okg_stop *stop, void **staged,
                                   okg_error *error);
/* Polling thread. Takes `staged` into use and hands back what was in use before in *previous (NULL: nothing). okg keeps
 * that through probation: a rollback is the same call with the old object, which may be NULL when the component did not
 * exist in the old payload. `staged` becomes the handler's whatever is returned; a commit that fails has left the old
 * object in use and got rid of `staged`. */
typedef okg_code (*okg_commit_fn)(void *user, void *staged, void **previous, okg_error *error);
/* Polling thread. Destroys an object of prepare's that will not be used (any more). Never called with NULL. */
typedef void (*okg_discard_fn)(void *user, void *object);
/* Polling thread. May a prepared payload (or a rollback) be taken into use now? 0: ask again in the next poll. */
typedef int (*okg_can_commit_fn)(void *user);

/* \since 0.1 */
typedef struct okg_reload_handler {
  size_t size;                  /* sizeof(okg_reload_handler) */
  void *user;                   /* handed to each function */
  okg_prepare_fn prepare;       /* NULL: *staged is NULL */
  okg_commit_fn commit;         /* required */
  okg_discard_fn discard;       /* NULL: objects need no destruction */
  okg_can_commit_fn can_commit; /* NULL: always */
  const char *const *after;     /* components to be prepared and committed before this one, besides the manifest's own */
  size_t after_count;
} okg_reload_handler;

#define OKG_RELOAD_HANDLER_INIT { sizeof(okg_reload_handler), 0, 0, 0, 0, 0, 0, 0 }

/* Registers the handler of a component, or with "*" that of all components without one of their own. It is called when
 * the component's digest changed, or it came or went. One handler per name: OKG_INVALID_ARGUMENT for a second. Register
 * before okg_start() to see the first payload. *subscription (may be NULL) is for okg_unsubscribe(); okg_release() frees
 * it. Polling thread. \since 0.1 */
OKG_API okg_code okg_on_reload(okg_server *server, const char *component, const okg_reload_handler *handler,
                               okg_subscription **subscription, okg_error *error);

/* Polling thread. The simple form: reads `payload` and takes it into use in one go; a rollback is the same call with the
 * old payload. For what loads within a tick. */
typedef okg_code (*okg_reload_fn)(void *user, const okg_payload *payload, okg_error *error);

/* \since 0.1 */
OKG_API okg_code okg_on_reload_simple(okg_server *server, const char *component, okg_reload_fn reload, void *user,
                                      okg_subscription **subscription, okg_error *error);

/* Ends a subscription and frees it: before okg_release() of its server, and once. A prepare that is running is told to
 * stop and waited for; the objects of this handler are discarded here. NULL is allowed. Polling thread. \since 0.1 */
OKG_API void okg_unsubscribe(okg_subscription *subscription);

/* 1 once the result is no longer wanted. \since 0.1 */
OKG_API int okg_stop_requested(const okg_stop *stop);

/* The game found the payload in use bad (players fall through the floor): within probation it is rolled back to
 * last-good in the next polls and refused from then on. OKG_NOT_FOUND when there is nothing to go back to. \since 0.1 */
OKG_API okg_code okg_report_bad(okg_server *server, const char *text, okg_error *error);

/* Goes back to last-good (`digest` NULL) or to a digest on the volume ("sha256:…"), and stays there until a new digest is
 * desired, also over restarts. Returns once that is under way. OKG_NOT_FOUND when there is no such payload. \since 0.1 */
OKG_API okg_code okg_rollback(okg_server *server, const char *digest, okg_error *error);

/* Looks at the volume now. With `force` a refused payload is tried again. \since 0.1 */
OKG_API okg_code okg_reload(okg_server *server, int force, okg_error *error);

/* ---- Controller ------------------------------------------------------------------------------------------------- */

/* The conversation with OpenKruiseGame about our own GameServer: through the Kubernetes API, through the pod's downward
 * volume and `okg probe ops` (no rights needed), or, off-cluster, through the file <run>/gameserver.json. It begins with
 * okg_start(). What is heard is told by callbacks in okg_poll(); docs/controller-protocol.md says how writes and updates
 * work. */

typedef struct okg_gameserver okg_gameserver; /* our GameServer as it was at one moment; reference-counted */

typedef enum okg_connection {
  OKG_CONNECTION_OFF = 0,        /* there is no controller */
  OKG_CONNECTION_CONNECTING = 1, /* not reached yet, or lost; okg goes on trying */
  OKG_CONNECTION_CONNECTED = 2,
  OKG_CONNECTION_LIMITED = 3 /* without rights to the API: of what can be set only opsState arrives, in seconds */
} okg_connection;

/* Where the conversation stands. `why` (may be NULL) gets what is wrong. \since 0.1 */
OKG_API okg_connection okg_connection_state(okg_server *server, okg_error *why);

/* The end of a write: called exactly once where the call returned OKG_OK, by okg_poll() or okg_close(). OKG_OK: it is there.
 * OKG_CONFLICT: somebody else had set the field, and that stays. OKG_SUPERSEDED: a later call of ours took its place.
 * OKG_TIMEOUT: not yet; it is kept, and written as soon as possible unless somebody sets something else (one with `expect` is
 * dropped, unless it is on its way already: the text says so). OKG_DENIED, OKG_UNSUPPORTED: no rights. Polling thread. */
typedef void (*okg_written_fn)(void *user, okg_code code, const okg_error *error);

/* \since 0.1 */
typedef struct okg_write_options {
  size_t size;            /* sizeof(okg_write_options) */
  int64_t timeout_ns;     /* 10 s */
  const char *expect;     /* write only over this value; NULL: over what this server has last heard or set */
  okg_written_fn written; /* NULL: nobody waits */
  void *user;
} okg_write_options;

#define OKG_WRITE_OPTIONS_INIT { sizeof(okg_write_options), 0, 0, 0, 0 }

/* Sets GameServer.spec.opsState: "None", "Allocated", "Maintaining", "WaitToBeDeleted", "Kill", or a value of your own (a
 * label value, up to 63 characters). OKG_INVALID_ARGUMENT for what cannot be one, "kill" included. Returns at once; a newer
 * call takes the place of an older one that is still to be sent. A value that somebody else has set meanwhile is never
 * overwritten: see okg_written_fn. `options` may be NULL. \since 0.1 */
OKG_API okg_code okg_set_ops_state(okg_server *server, const char *state, const okg_write_options *options,
                                   okg_error *error);
/* 0 and more; what is higher is updated, or deleted, first. \since 0.1 */
OKG_API okg_code okg_set_update_priority(okg_server *server, int64_t priority, const okg_write_options *options,
                                         okg_error *error);
OKG_API okg_code okg_set_deletion_priority(okg_server *server, int64_t priority, const okg_write_options *options,
                                           okg_error *error);
/* A label or annotation of the GameServer; those that begin with "gs-sync/" reach the pod too. `value` NULL removes it.
 * \since 0.1 */
OKG_API okg_code okg_set_label(okg_server *server, const char *key, const char *value, const okg_write_options *options,
                               okg_error *error);
OKG_API okg_code okg_set_annotation(okg_server *server, const char *key, const char *value,
                                    const okg_write_options *options, okg_error *error);

/* The callbacks below are registered like a reload handler: polling thread, before or after okg_start(), ended by
 * okg_unsubscribe(). Each may be registered more than once. What they are handed lives for the call. */

/* opsState is another one than this server thought: the first that is heard, and whatever somebody else sets. What this
 * server sets itself is not told. */
typedef void (*okg_ops_state_fn)(void *user, const char *state, const char *before);
/* \since 0.1 */
OKG_API okg_code okg_on_ops_state(okg_server *server, okg_ops_state_fn call, void *user, okg_subscription **subscription,
                                  okg_error *error);

/* Addresses or their state changed. */
typedef void (*okg_gameserver_fn)(void *user, const okg_gameserver *gameserver);
/* \since 0.1 */
OKG_API okg_code okg_on_network(okg_server *server, okg_gameserver_fn call, void *user, okg_subscription **subscription,
                                okg_error *error);
/* Anything of it changed. \since 0.1 */
OKG_API okg_code okg_on_change(okg_server *server, okg_gameserver_fn call, void *user, okg_subscription **subscription,
                               okg_error *error);

/* This server is to end: opsState became Kill ("opsState"), or the GameServer is being deleted ("deletion"). */
typedef void (*okg_kill_fn)(void *user, const char *why);
/* \since 0.1 */
OKG_API okg_code okg_on_kill(okg_server *server, okg_kill_fn call, void *user, okg_subscription **subscription,
                             okg_error *error);

typedef void (*okg_connection_fn)(void *user, okg_connection connection);
/* \since 0.1 */
OKG_API okg_code okg_on_connection(okg_server *server, okg_connection_fn call, void *user,
                                   okg_subscription **subscription, okg_error *error);

typedef enum okg_update_kind { OKG_UPDATE = 0, OKG_DELETION = 1 } okg_update_kind;
typedef enum okg_update_phase {
  OKG_UPDATE_COMING = 0,   /* about to happen; once for each update */
  OKG_UPDATE_STARTED = 1,  /* containers are being replaced */
  OKG_UPDATE_FINISHED = 2, /* over, and this process lived through it: only other containers were replaced */
  OKG_UPDATE_WITHDRAWN = 3 /* it will not happen after all */
} okg_update_phase;

/* \since 0.1 */
typedef struct okg_update_notice {
  size_t size;
  uint64_t id; /* the same in each phase */
  okg_update_kind kind;
  okg_update_phase phase;
  int32_t waits;            /* 1: for okg_allow_update(), until the deadline. 0: it happens whatever we say */
  int32_t containers_known; /* 0: not known which, as with a hook alone on OpenKruiseGame 1.0.0 */
  int64_t deadline_ns;      /* from now; -1: none */
  const char *revision;     /* "" not known */
  const char *const *containers;
  const char *const *images; /* the new one of each container; "" not known */
  size_t container_count;
} okg_update_notice;

typedef void (*okg_update_fn)(void *user, const okg_update_notice *notice);
/* An in-place update of this pod, or its deletion, is coming. Where the pod has the hook label (gs-sync/update-block,
 * OKG_UPDATE_HOOK), it waits until okg_allow_update(), or update_timeout_ns; without any such callback it is allowed at once.
 * The hook is armed again when the update is over, and at the start of the next process. \since 0.1 */
OKG_API okg_code okg_on_update(okg_server *server, okg_update_fn call, void *user, okg_subscription **subscription,
                               okg_error *error);
/* What had to be saved is saved. OKG_NOT_FOUND: this notice is over. \since 0.1 */
OKG_API okg_code okg_allow_update(okg_server *server, uint64_t notice, okg_error *error);

/* Our GameServer as it was last heard of, with a reference of the caller's; NULL before that. \since 0.1 */
OKG_API okg_gameserver *okg_gameserver_pin(okg_server *server);
OKG_API okg_gameserver *okg_gameserver_retain(const okg_gameserver *gameserver);
/* NULL is allowed. \since 0.1 */
OKG_API void okg_gameserver_release(okg_gameserver *gameserver);

/* As long as it is held. "" where it is not known, and for NULL. `state`: "Ready", "PreUpdate", … \since 0.1 */
OKG_API const char *okg_gameserver_name(const okg_gameserver *gameserver);
OKG_API const char *okg_gameserver_ops_state(const okg_gameserver *gameserver);
OKG_API const char *okg_gameserver_state(const okg_gameserver *gameserver);
OKG_API const char *okg_gameserver_match_id(const okg_gameserver *gameserver); /* annotation gs-sync/match-id */
/* NULL: it is not there. \since 0.1 */
OKG_API const char *okg_gameserver_label(const okg_gameserver *gameserver, const char *key);
OKG_API const char *okg_gameserver_annotation(const okg_gameserver *gameserver, const char *key);
/* -1: not known, or not a number. \since 0.1 */
OKG_API int64_t okg_gameserver_update_priority(const okg_gameserver *gameserver);
OKG_API int64_t okg_gameserver_deletion_priority(const okg_gameserver *gameserver);

/* 1 once players can reach this server. \since 0.1 */
OKG_API int okg_gameserver_network_ready(const okg_gameserver *gameserver);
OKG_API const char *okg_gameserver_network_type(const okg_gameserver *gameserver);

/* \since 0.1 */
typedef struct okg_address {
  const char *ip;        /* "" where there is only a name */
  const char *end_point; /* a host name; "" none */
  size_t port_count;
  const char *range; /* "512-520"; "" none */
  const char *range_protocol;
} okg_address;
typedef struct okg_port {
  const char *name, *protocol;
  const char *text; /* as the network plugin wrote it */
  int32_t number;   /* 0: not a number */
  int32_t reserved;
} okg_port;
/* Inside the cluster (external 0) or for players (external 1). OKG_NOT_FOUND past the end. \since 0.1 */
OKG_API okg_code okg_gameserver_address(const okg_gameserver *gameserver, int external, size_t index,
                                        okg_address *address);
OKG_API okg_code okg_gameserver_port(const okg_gameserver *gameserver, int external, size_t address, size_t index,
                                     okg_port *port);

typedef enum okg_start_reason {
  OKG_START_FRESH_POD = 0,       /* nobody ran in this pod before */
  OKG_START_IN_PLACE_UPDATE = 1, /* this container got another image; pod and volumes are the same */
  OKG_START_CRASH = 2,           /* the process before us ended without okg_close() */
  OKG_START_RESTART = 3          /* it ended in order */
} okg_start_reason;

/* \since 0.1 */
typedef struct okg_start_report {
  size_t size;
  okg_start_reason reason;
  int32_t is_final;     /* 0: the controller has not been heard yet; an update may still look like a crash or restart */
  int64_t downtime_ns;  /* to within a second where the process before us was killed; -1: not known */
  int32_t same_pod;     /* 1 yes, 0 no, -1 not known */
  int32_t same_ip;
  int32_t same_network; /* the addresses that players use */
  int32_t reserved;
  char image_from[512], image_to[512]; /* of this container (OKG_CONTAINER_NAME); "" not known */
} okg_start_report;

#define OKG_START_REPORT_INIT { sizeof(okg_start_report), OKG_START_FRESH_POD, 0, 0, 0, 0, 0, 0, {0}, {0} }

/* Why this process was started. \since 0.1 */
OKG_API okg_code okg_get_start_report(okg_server *server, okg_start_report *report);

/* ---- Payload ---------------------------------------------------------------------------------------------------- */

/* The payload in use, with a reference of the caller's: a running match can stay on it for as long as it likes, also
 * after okg_release() of the server. While it is held, nobody deletes its files. NULL when none is in use. \since 0.1 */
OKG_API okg_payload *okg_payload_pin(okg_server *server);
/* One more reference to a payload at hand (in prepare, for instance). Returns `payload`. \since 0.1 */
OKG_API okg_payload *okg_payload_retain(const okg_payload *payload);
/* Gives a reference back. NULL is allowed. \since 0.1 */
OKG_API void okg_payload_release(okg_payload *payload);

/* As long as the payload is held. "" for NULL. \since 0.1 */
OKG_API const char *okg_payload_version(const okg_payload *payload);
OKG_API const char *okg_payload_digest(const okg_payload *payload); /* "sha256:<hex>" */
/* The digest of a component's part, "" when the payload has no such component. \since 0.1 */
OKG_API const char *okg_payload_component(const okg_payload *payload, const char *component);

/* The open directory files/, for openat() and the like; it stays the payload's. -1 for NULL. \since 0.1 */
OKG_API int okg_payload_dirfd(const okg_payload *payload);

/* Files, in bytewise order of their paths. `path` lives as long as the payload is held. \since 0.1 */
typedef struct okg_file {
  const char *path; /* relative to files/, "scripts/npc.lua" */
  uint64_t bytes;
  int32_t executable;
  int32_t reserved;
} okg_file;
OKG_API size_t okg_payload_file_count(const okg_payload *payload);
OKG_API okg_code okg_payload_file(const okg_payload *payload, size_t index, okg_file *file);
/* OKG_NOT_FOUND when the payload has no such file. \since 0.1 */
OKG_API okg_code okg_payload_find(const okg_payload *payload, const char *path, okg_file *file);

/* Opens a file of the payload for reading; links are not followed. *fd becomes the caller's. \since 0.1 */
OKG_API okg_code okg_payload_open(const okg_payload *payload, const char *path, int *fd, okg_error *error);
/* Reads a whole file into `buffer`. *length, where not NULL, is its size; OKG_NO_SPACE when `capacity` is smaller (then
 * nothing was read). The content is checked against the payload's digest once more: OKG_DIGEST_MISMATCH. \since 0.1 */
OKG_API okg_code okg_payload_read(const okg_payload *payload, const char *path, void *buffer, size_t capacity,
                                  size_t *length, okg_error *error);

/* ---- Hot state -------------------------------------------------------------------------------------------------- */

/* Tables, journals and regions in shared memory. What was committed is there after SIGKILL at any instruction, for the next
 * process that opens the same name: a restart in place, or a new binary. It is a cache of the truth, gone with the pod. How
 * it works and what it costs: docs/hot-state-protocol.md. Any thread may call anything here, several at once, unless it
 * says otherwise; a change waits for other changes of the same part of a table, never for a reader. */

typedef struct okg_hot okg_hot;                 /* an open segment; one process has it at a time */
typedef struct okg_hot_table okg_hot_table;     /* these three live as long as the segment is open */
typedef struct okg_hot_journal okg_hot_journal;
typedef struct okg_hot_region okg_hot_region;
typedef struct okg_hot_txn okg_hot_txn;         /* changes that happen together */

/* What to do when process after process died young with the segment: is it the state that kills them? \since 0.1 */
typedef enum okg_hot_policy {
  OKG_HOT_RESUME = 0,     /* go on; the report says so */
  OKG_HOT_READ_ONLY = 1,  /* go on reading; what would change it is OKG_DENIED */
  OKG_HOT_QUARANTINE = 2  /* begin anew; the old file stays under another name */
} okg_hot_policy;

/* \since 0.1 */
typedef struct okg_hot_options {
  size_t size;               /* sizeof(okg_hot_options) */
  okg_server *server;        /* whose hot directory it is, where `directory` is NULL; may be NULL. Not kept */
  const char *directory;     /* OKG_HOT_DIR: a tmpfs or hugetlbfs of the pod; made 0700 where it is not there */
  const char *name;          /* required: the file is <name>.okghot; 1 to 63 letters, digits, '-' and '_' */
  uint64_t max_bytes;        /* 64 MiB: that the file may grow to, 1 MiB to 1 TiB; decided when it is made */
  uint64_t first_bytes;      /* 0: all of it is allocated when it is made; else so much, and more when it is needed */
  uint32_t shards;           /* 8: writers that do not wait for each other: 1, 2, 4, 8 or 16 */
  uint32_t crash_loop_opens; /* 5: opens in a row after a death within a minute that make a crash loop */
  okg_hot_policy policy;
  okg_log_level log_level;
  int64_t lock_wait_ns;      /* 5 s: for the process before us to be gone; -1: not at all */
  okg_log_fn log;            /* NULL: silence */
  void *log_user;
} okg_hot_options;

#define OKG_HOT_OPTIONS_INIT { sizeof(okg_hot_options), 0, 0, 0, 0, 0, 0, 0, OKG_HOT_RESUME, OKG_LOG_DEFAULT, 0, 0, 0 }

/* Opens the segment, or makes it. Takes the same time whatever is in it. OKG_IN_USE names who holds it; OKG_NO_SPACE and
 * OKG_NO_HEADROOM say what it would need; OKG_DENIED when the file is not ours alone, OKG_CORRUPT and OKG_UNSUPPORTED when
 * it is none that this okg knows. None of them changes a file that was there. \since 0.1 */
OKG_API okg_code okg_hot_open(const okg_hot_options *options, okg_hot **hot, okg_error *error);

/* Closes it in good order and frees it and its tables. NULL is allowed. Not beside other calls. \since 0.1 */
OKG_API void okg_hot_close(okg_hot *hot);

typedef enum okg_hot_opened {
  OKG_HOT_CREATED = 0,
  OKG_HOT_RESUMED = 1,
  OKG_HOT_QUARANTINED = 2,     /* and made anew: see quarantined_as */
  OKG_HOT_OPENED_READ_ONLY = 3
} okg_hot_opened;

/* What was found. \since 0.1 */
typedef struct okg_hot_report {
  size_t size;              /* sizeof(okg_hot_report), set by the caller */
  okg_hot_opened opened;
  int32_t was_clean;        /* 1: who had it before closed it */
  int32_t is_crash_loop;
  int32_t reserved;
  uint64_t epoch;           /* how often it was opened, this time included */
  uint64_t unclean_opens;   /* in a row, this one included */
  uint64_t inherited_bytes; /* memory that was there already: not counted against our own container by the kernel */
  uint64_t records, bytes;  /* bytes: of keys and values */
  int64_t downtime_ns;      /* since the process before us last opened, polled or closed it; -1: not known */
  int64_t open_ns;          /* what this open took, the wait for the lock included */
  char held_before_by[256]; /* JSON that the process before us wrote of itself; "" */
  char quarantined_as[512]; /* path; "" */
} okg_hot_report;

#define OKG_HOT_REPORT_INIT { sizeof(okg_hot_report), OKG_HOT_CREATED, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, {0} }

/* \since 0.1 */
OKG_API okg_code okg_hot_get_report(okg_hot *hot, okg_hot_report *report);

/* From one version of a value's schema to the next (`up`), or back (`down`): writes the converted bytes to `to` and their
 * number to *to_bytes. OKG_NO_SPACE, with *to_bytes set, asks to be called again with so much room; any other code: this
 * record cannot be converted, and stays as it is. Must depend on nothing but the bytes; called on any thread, also with a
 * part of the table locked: it must not call okg_hot_*. \since 0.1 */
typedef okg_code (*okg_hot_convert_fn)(void *user, const void *from, size_t from_bytes, void *to, size_t to_capacity,
                                       size_t *to_bytes);
typedef struct okg_hot_migration {
  uint32_t from;           /* the version before; `up` leads to from + 1 */
  uint32_t reserved;
  okg_hot_convert_fn up;
  okg_hot_convert_fn down; /* NULL: there is no way back */
  void *user;              /* has to live as long as the table */
} okg_hot_migration;

/* \since 0.1 */
typedef struct okg_hot_schema {
  size_t size;          /* sizeof(okg_hot_schema) */
  uint32_t keys;        /* 0: numbers, uint64_t; 1: 1 to 64 bytes */
  uint32_t version;     /* 1: of the value's layout, up to 65535; rises with each change of it */
  uint64_t fingerprint; /* of the value's layout; 0: bytes without one. Two of one version are refused */
  uint64_t value_bytes; /* of each value; 0: they differ */
  const char *fields;   /* of the value, for `okg hot`: "hp:u32@0 name:char[16]@4", kind and offset; may be NULL */
  const okg_hot_migration *migrations; /* from version to version, without a gap, to this one; copied */
  size_t migration_count;
  int32_t writes_older; /* 1: records are written as the version that was there, so that the program before this one can
                         * still read them after a rollback, until okg_hot_finalize(). Wants `down` in each migration */
  int32_t reserved;
} okg_hot_schema;

#define OKG_HOT_SCHEMA_INIT { sizeof(okg_hot_schema), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Finds the table of that name, or makes it: 64 tables, journals and regions at most. OKG_SCHEMA_MISMATCH when it holds
 * something else, or records of an older version from which no migration leads here; they stay as they are. Records of a
 * version newer than this program's stay too: reading or replacing one is OKG_SCHEMA_MISMATCH. `schema` may be NULL.
 * \since 0.1 */
OKG_API okg_code okg_hot_open_table(okg_hot *hot, const char *name, const okg_hot_schema *schema, okg_hot_table **table,
                                    okg_error *error);

/* Ends writes_older: from here on records are written as this program's version, and okg_hot_poll() rewrites the older ones
 * by and by. There is no way back for an older program. \since 0.1 */
OKG_API okg_code okg_hot_finalize(okg_hot_table *table, okg_error *error);

/* Puts a record, or replaces it: committed when it returns OKG_OK, and nothing has changed otherwise (OKG_NO_SPACE,
 * OKG_NO_HEADROOM). A value has up to 64 MiB. A deadline that the record had stays. \since 0.1 */
OKG_API okg_code okg_hot_put(okg_hot_table *table, const void *key, size_t key_bytes, const void *value,
                             size_t value_bytes, okg_error *error);
OKG_API okg_code okg_hot_put_u64(okg_hot_table *table, uint64_t key, const void *value, size_t value_bytes,
                                 okg_error *error);

/* Copies the value to `buffer`. *length, where not NULL, is its size; OKG_NO_SPACE when `capacity` is smaller. `buffer` may
 * hold anything where this is not OKG_OK. OKG_NOT_FOUND; OKG_CORRUPT when its checksum, looked at for what another process
 * wrote, is wrong. Readers wait for nobody. \since 0.1 */
OKG_API okg_code okg_hot_get(const okg_hot_table *table, const void *key, size_t key_bytes, void *buffer, size_t capacity,
                             size_t *length, okg_error *error);
OKG_API okg_code okg_hot_get_u64(const okg_hot_table *table, uint64_t key, void *buffer, size_t capacity, size_t *length,
                                 okg_error *error);

/* OKG_NOT_FOUND when there is no such record. \since 0.1 */
OKG_API okg_code okg_hot_erase(okg_hot_table *table, const void *key, size_t key_bytes, okg_error *error);
OKG_API okg_code okg_hot_erase_u64(okg_hot_table *table, uint64_t key, okg_error *error);

/* A record that is gone `after_ns` from now: it is not found any more, and okg_hot_poll() erases it. 0: it stays. Time goes
 * on while the process is down or the machine asleep (CLOCK_BOOTTIME). One store for a record that has had a deadline
 * before. \since 0.1 */
OKG_API okg_code okg_hot_put_for(okg_hot_table *table, const void *key, size_t key_bytes, const void *value,
                                 size_t value_bytes, int64_t after_ns, okg_error *error);
OKG_API okg_code okg_hot_put_for_u64(okg_hot_table *table, uint64_t key, const void *value, size_t value_bytes,
                                     int64_t after_ns, okg_error *error);
OKG_API okg_code okg_hot_set_deadline(okg_hot_table *table, const void *key, size_t key_bytes, int64_t after_ns,
                                      okg_error *error);
OKG_API okg_code okg_hot_set_deadline_u64(okg_hot_table *table, uint64_t key, int64_t after_ns, okg_error *error);

/* A record where it lies, without a copy. `data` is as it is now until okg_hot_view_end(), whatever becomes of the record
 * meanwhile; it must not be written. Room that is freed meanwhile in this part of the table waits for the end: keep views
 * short. OKG_NOT_FOUND, OKG_CORRUPT; OKG_SCHEMA_MISMATCH for a record that would have to be migrated. \since 0.1 */
typedef struct okg_hot_view {
  const void *data;
  size_t length;
  uint64_t reserved[2];
} okg_hot_view;
OKG_API okg_code okg_hot_view_begin(okg_hot_table *table, const void *key, size_t key_bytes, okg_hot_view *view,
                                    okg_error *error);
OKG_API okg_code okg_hot_view_begin_u64(okg_hot_table *table, uint64_t key, okg_hot_view *view, okg_error *error);
/* Once for each view that began. \since 0.1 */
OKG_API void okg_hot_view_end(okg_hot_table *table, okg_hot_view *view);

/* Gets each record that is there all the while, once, in no order; what `visit` gets are copies, and it may call everything
 * here. 0 from it ends the visit. OKG_CORRUPT ends it too, at a record that is damaged. \since 0.1 */
typedef int (*okg_hot_visit_fn)(void *user, const void *key, size_t key_bytes, const void *value, size_t value_bytes);
OKG_API okg_code okg_hot_for_each(const okg_hot_table *table, okg_hot_visit_fn visit, void *user, okg_error *error);

/* Records and bytes (of keys and values) of a table, without a look at them. \since 0.1 */
OKG_API okg_code okg_hot_size(const okg_hot_table *table, uint64_t *records, uint64_t *bytes);

/* ---- Hot state: changes that happen together */

/* Gathers changes in ordinary memory; one thread at a time. \since 0.1 */
OKG_API okg_code okg_hot_txn_begin(okg_hot *hot, okg_hot_txn **txn, okg_error *error);
/* What is put or erased replaces what this transaction was to do with that record before. Values are copied. \since 0.1 */
OKG_API okg_code okg_hot_txn_put(okg_hot_txn *txn, okg_hot_table *table, const void *key, size_t key_bytes,
                                 const void *value, size_t value_bytes, okg_error *error);
OKG_API okg_code okg_hot_txn_put_u64(okg_hot_txn *txn, okg_hot_table *table, uint64_t key, const void *value,
                                     size_t value_bytes, okg_error *error);
/* Of a record that is there: else the commit is OKG_NOT_FOUND. \since 0.1 */
OKG_API okg_code okg_hot_txn_erase(okg_hot_txn *txn, okg_hot_table *table, const void *key, size_t key_bytes,
                                   okg_error *error);
OKG_API okg_code okg_hot_txn_erase_u64(okg_hot_txn *txn, okg_hot_table *table, uint64_t key, okg_error *error);
/* As okg_hot_get(), what this transaction is to do included; and the commit is OKG_CONFLICT when the record is not as it was
 * found here (or was not found) any more. \since 0.1 */
OKG_API okg_code okg_hot_txn_get(okg_hot_txn *txn, okg_hot_table *table, const void *key, size_t key_bytes, void *buffer,
                                 size_t capacity, size_t *length, okg_error *error);
OKG_API okg_code okg_hot_txn_get_u64(okg_hot_txn *txn, okg_hot_table *table, uint64_t key, void *buffer, size_t capacity,
                                     size_t *length, okg_error *error);
OKG_API okg_code okg_hot_txn_append(okg_hot_txn *txn, okg_hot_journal *journal, const void *message, size_t bytes,
                                    okg_error *error);
/* All of it has happened when this returns OKG_OK, and nothing otherwise. Who reads meanwhile and has seen one change sees
 * all of them. The transaction is empty then, or, where it failed, as it was. OKG_NO_SPACE also when it is larger than a
 * log (64 KiB for what it replaces in place; what is larger needs some 100 bytes a change). \since 0.1 */
OKG_API okg_code okg_hot_txn_commit(okg_hot_txn *txn, okg_error *error);
/* Forgets what was gathered. \since 0.1 */
OKG_API void okg_hot_txn_clear(okg_hot_txn *txn);
/* NULL is allowed. Before okg_hot_close(). \since 0.1 */
OKG_API void okg_hot_txn_free(okg_hot_txn *txn);

/* ---- Hot state: journals */

/* A ring of messages: what is to be sent on (to a database, say) once and again until somebody there has it. \since 0.1 */
typedef struct okg_hot_journal_options {
  size_t size;          /* sizeof(okg_hot_journal_options) */
  uint64_t bytes;       /* 1 MiB: of the ring, decided when it is made */
  uint32_t version;     /* 1: of the messages' schema; an acknowledged journal is empty, but not another one */
  uint32_t reserved;
  uint64_t fingerprint; /* 0 */
} okg_hot_journal_options;

#define OKG_HOT_JOURNAL_OPTIONS_INIT { sizeof(okg_hot_journal_options), 0, 0, 0, 0 }

/* `options` may be NULL. \since 0.1 */
OKG_API okg_code okg_hot_open_journal(okg_hot *hot, const char *name, const okg_hot_journal_options *options,
                                      okg_hot_journal **journal, okg_error *error);
/* Committed when it returns OKG_OK. *sequence, where not NULL: rises from message to message (not by 1), the same after a
 * restart; an idempotency key for whoever gets the message twice. OKG_NO_SPACE when what is not acknowledged leaves no
 * room. Up to 16 MiB. \since 0.1 */
OKG_API okg_code okg_hot_journal_append(okg_hot_journal *journal, const void *message, size_t bytes, uint64_t *sequence,
                                        okg_error *error);
/* Copies the first message behind the one of sequence `after` (0: the first that is not acknowledged), as okg_hot_get()
 * does. OKG_NOT_FOUND when there is none. \since 0.1 */
OKG_API okg_code okg_hot_journal_peek(const okg_hot_journal *journal, uint64_t after, void *buffer, size_t capacity,
                                      size_t *length, uint64_t *sequence, okg_error *error);
/* That message and all before it are done with, and their room is free. \since 0.1 */
OKG_API okg_code okg_hot_journal_ack(okg_hot_journal *journal, uint64_t sequence, okg_error *error);
/* Bytes that are not acknowledged, and those of the ring. What is lost with the node. \since 0.1 */
OKG_API okg_code okg_hot_journal_lag(const okg_hot_journal *journal, uint64_t *bytes, uint64_t *capacity);

/* ---- Hot state: regions */

/* One object of a fixed size, committed as a whole, tick by tick. \since 0.1 */
typedef enum okg_hot_region_mode {
  OKG_HOT_DIFF = 0,    /* the live copy is ordinary memory: what changed is found by comparing. Up to some MiB */
  OKG_HOT_IN_PLACE = 1 /* the live copy is the shared memory: what is to be written is announced by okg_hot_region_touch() */
} okg_hot_region_mode;

typedef struct okg_hot_region_options {
  size_t size;           /* sizeof(okg_hot_region_options) */
  uint64_t bytes;        /* required; up to 8 GiB. It takes a bit more than twice as much of the segment */
  okg_hot_region_mode mode;
  uint32_t version;      /* 1 */
  uint64_t fingerprint;  /* 0 */
  const char *fields;    /* as of a table; may be NULL */
  const okg_hot_migration *migrations; /* as of a table; what they make has `bytes` bytes */
  size_t migration_count;
  int32_t checks_touches; /* 1, for debugging, and slow: a commit is OKG_CONFLICT when something was not announced */
  int32_t reserved;
} okg_hot_region_options;

#define OKG_HOT_REGION_OPTIONS_INIT { sizeof(okg_hot_region_options), 0, OKG_HOT_DIFF, 0, 0, 0, 0, 0, 0, 0 }

/* *data is the live copy: zeros when it was made just now, else what was committed last. It stays there until the segment
 * is closed. A region is of one thread at a time. \since 0.1 */
OKG_API okg_code okg_hot_open_region(okg_hot *hot, const char *name, const okg_hot_region_options *options,
                                     okg_hot_region **region, void **data, okg_error *error);
/* In place: before these bytes of `data` are written; only what was announced is taken back after a kill before the commit.
 * Does nothing for OKG_HOT_DIFF. \since 0.1 */
OKG_API okg_code okg_hot_region_touch(okg_hot_region *region, const void *begin, size_t bytes, okg_error *error);
/* What `data` holds is what will be found. \since 0.1 */
OKG_API okg_code okg_hot_region_commit(okg_hot_region *region, okg_error *error);
/* `data` is again as it was committed last. \since 0.1 */
OKG_API okg_code okg_hot_region_rollback(okg_hot_region *region, okg_error *error);

/* ---- Hot state: upkeep */

/* Work that can wait: one piece, and more within `budget_ns`. 1: there is more. Has memory of an old process mapped, erases
 * what is past its deadline, migrates records, empties slabs that are nearly empty, and gives memory back (where not all of
 * it was to be there from the beginning). To be called about once a second: by it the segment knows that its process lived
 * longer than a minute (no crash loop) and when it was last alive. \since 0.1 */
OKG_API int okg_hot_poll(okg_hot *hot, int64_t budget_ns);

#ifdef __cplusplus
}
#endif

#endif /* OKG_OKG_H */
