/* A journal: a ring of words between a head and a tail, which only grow. One producer appends alone (the
 * frame behind the tail, then the tail word: a single store), the other in a transaction with a record (the
 * tail word is an entry of the redo log); a consumer reads the frame at the head, then acknowledges it (the
 * head word: a single store). All are killed between any two stores, and recovery too, any number of times,
 * and begin anew: then messages are numbered from the head on, up to MESSAGES until the next kill.
 *
 * A frame is its length in words, then the message's number, once or twice: it can lie across the ring's end.
 *
 * Proved: the consumer gets complete frames only, each in its turn; none again whose acknowledgement was
 * stored, none lost that the producer knows to be appended or that anybody saw; a message of a transaction is
 * there if and only if the transaction's record is, after a kill and for whoever reads one after the other;
 * no append overwrites what was not read.
 *
 * Each of these has to be found:
 *   MUTANT_1   the tail is stored before the frame
 *   MUTANT_2   a transaction stores the tail itself, before it commits
 *   MUTANT_3   a transaction commits the record, then the tail
 *   MUTANT_4   the mutex is let go before the log is retired: recovery takes back what was appended since
 *   MUTANT_5   the consumer acknowledges, then reads
 *   MUTANT_6   the ring is thought to be a word larger
 *   MUTANT_7   recovery retires first
 *   MUTANT_8   the entry says how much the tail grows
 *   MUTANT_9   the transaction's entries have the head as well, as it was
 *   MUTANT_10  the tail is read before the mutex is taken
 *   MUTANT_11  the sequence is odd only when the entries have been applied
 */
#include "mutants.inc"

#define MESSAGES 4
#define RING 5
#define OF_TRANSACTION 16 /* added to the number of a message */

/* In the file. */
#define HEAD 0
#define TAIL 1
#define RECORD 2
byte m[3];
byte ring[RING];
byte log_state, log_word[6];

/* In the process's own memory. */
bool mutex;    /* of the journal: no two append at once */
byte sequence; /* of the shard that the record is in */

bool down; /* killed */
#define IS_ALIVE (!down || _nr_pr == _pid + 1) /* once killed they end one after another, as Spin wants it */

/* What the proof remembers: numbers of messages. */
byte promised, begun;        /* the last that must be there; the last that may be */
byte delivered, taken;       /* the last that the consumer got; the last whose acknowledgement was stored */
byte old_record, new_record; /* what the record must be, without the last transaction's message and with it */
byte new_end;                /* where that message's frame ends */

inline saw(number) {
  if
  :: number > promised -> promised = number
  :: else
  fi
}

inline apply_one() {
  d_step { m[log_word[i]] = log_word[i + 1] WRONG(8, + (log_word[i] == TAIL) * m[TAIL]); i = i + 2 }
}

/* What nobody reads any more makes no states. */
inline clear(at) { ring[(at) % RING] = 0 }
inline clear_log() {
  i = 0;
  do
  :: i < 6 -> log_word[i] = 0; i++
  :: else -> break
  od;
  i = 0
}

inline entry(where, what) {
  log_word[n] = where; n++; log_word[n] = what; n++
}

/* Steps 2 to 5. The order of entries is any. */
inline carry_out() {
  WRONG(9, entry(HEAD, m[HEAD]);)
  if
  :: entry(TAIL, length RIGHT(8, + at)) RIGHT(3, ; entry(RECORD, begun))
  :: entry(RECORD, begun) RIGHT(3, ; entry(TAIL, length RIGHT(8, + at)))
  fi;
  WRONG(2, m[TAIL] = at + length;)
  RIGHT(11, sequence++;)
  log_state = n; /* from here on it has happened */
  do
  :: i < n -> apply_one()
  :: else -> i = 0; break
  od;
  WRONG(11, sequence++;)
  sequence++;
  WRONG(4, mutex = false;)
  log_state = 0;
  d_step { n = 0; clear_log() }
}

proctype Producer(bool transacts) provided (IS_ALIVE) {
  byte at, length, k, i, n;
  {
    do
    :: begun < MESSAGES ->
      WRONG(10, at = m[TAIL];)
      atomic { !mutex && begun < MESSAGES -> mutex = true };
      atomic {
        RIGHT(10, at = m[TAIL];)
        if
        :: length = 2
        :: length = 3
        fi
      };
      if
      :: at + length - m[HEAD] <= RING WRONG(6, + 1) ->
        d_step {
          begun++;
          if
          :: transacts -> new_record = begun; new_end = at + length
          :: else
          fi
        };
        WRONG(1, m[TAIL] = at + length;)
        do
        :: atomic { k == 0 -> ring[at % RING] = length; k = 1 }
        :: k > 0 && k < length -> d_step { ring[(at + k) % RING] = begun + transacts * OF_TRANSACTION; k++ }
        :: else -> k = 0; break
        od;
        if
        :: transacts ->
          carry_out();
          WRONG(3, entry(TAIL, at + length); log_state = n; apply_one(); log_state = 0;)
        :: else -> RIGHT(1, m[TAIL] = at + length)
        fi;
        atomic { saw(begun); old_record = new_record }
      :: else /* no room: refused */
      fi;
      d_step { mutex = false; at = 0; length = 0 }
    od
  } unless { d_step { down -> at = 0; length = 0; k = 0; i = 0; n = 0 } }
}

/* Engine::get of the record, which is one word here. */
inline get() {
  do
  :: atomic { sequence % 2 == 0 -> before = sequence };
    record = m[RECORD];
    if
    :: sequence == before -> break
    :: else
    fi
  od
}

proctype Consumer() provided (IS_ALIVE) {
  byte at, length, number, again, record, before;
  {
    do
    :: m[HEAD] < m[TAIL] -> /* a message, and then the record */
      at = m[HEAD];
      WRONG(5, d_step { m[HEAD] = m[HEAD] + ring[at % RING]; taken++ };)
      length = ring[at % RING];
      number = ring[(at + 1) % RING];
      if
      :: length == 3 -> again = ring[(at + 2) % RING]
      :: else -> again = number
      fi;
      atomic {
        assert((length == 2 || length == 3) && number == again);
        assert(number % OF_TRANSACTION == taken RIGHT(5, + 1));
        delivered = number % OF_TRANSACTION;
        saw(delivered)
      };
      if
      :: number > OF_TRANSACTION -> get(); assert(record >= number - OF_TRANSACTION)
      :: else
      fi;
      RIGHT(5, d_step { m[HEAD] = at + length; taken++; clear(at); clear(at + 1); clear(at + length - 1) };)
      d_step { at = 0; length = 0; number = 0; again = 0; record = 0; before = 0 }
    :: new_record > 0 -> /* the record, and then the journal */
      get();
      if
      :: atomic { record == new_record -> saw(record); assert(m[TAIL] >= new_end) }
      :: else
      fi;
      d_step { record = 0; before = 0 }
    od
  } unless { d_step { down -> at = 0; length = 0; number = 0; again = 0; record = 0; before = 0 } }
}

init {
  byte i, n, at, present;
  do
  :: atomic { run Producer(false); run Producer(true); run Consumer() };
    down = true; /* at any time */
    _nr_pr == 1;
    d_step { mutex = false; sequence = 0 };

killed:
    i = 0; n = log_state;
    WRONG(7, log_state = 0;)
    do
    :: i < n -> apply_one()
    :: i == n && n > 0 -> log_state = 0; break
    :: n == 0 -> break
    :: n > 0 -> goto killed
    od;

    atomic {
      at = m[HEAD];
      present = taken;
      do
      :: at < m[TAIL] ->
        present++;
        assert(ring[at % RING] == 2 || ring[at % RING] == 3);
        assert(ring[(at + 1) % RING] % OF_TRANSACTION == present);
        assert(ring[(at + ring[at % RING] - 1) % RING] % OF_TRANSACTION == present);
        at = at + ring[at % RING]
      :: else -> break
      od;
      assert(at == m[TAIL] && at - m[HEAD] <= RING);
      assert(present == promised || present == begun);
      assert(m[RECORD] == (new_record <= present -> new_record : old_record));
      assert(taken <= delivered && delivered <= present);
      /* What is there counts, for the next process. Numbers begin again. */
      at = m[HEAD];
      do
      :: at < m[TAIL] ->
        n = ring[at % RING];
        i = 1;
        do
        :: i < n -> ring[(at + i) % RING] = ring[(at + i) % RING] - taken; i++
        :: else -> break
        od;
        at = at + n
      :: at >= m[TAIL] && at < m[HEAD] + RING -> clear(at); at++
      :: else -> break
      od;
      m[TAIL] = m[TAIL] - m[HEAD] / RING * RING;
      m[HEAD] = m[HEAD] % RING;
      m[RECORD] = (m[RECORD] > taken -> m[RECORD] - taken : 0);
      promised = present - taken; begun = promised; taken = 0; delivered = 0;
      old_record = m[RECORD]; new_record = old_record; new_end = 0;
      clear_log();
      at = 0; present = 0; i = 0; n = 0;
      down = false
    }
  od
}
