/* Engine::get while two writers do any number of operations: a reader takes no lock, but copies between two
 * equal even values of the shard's sequence, and takes the mutex after some tries, of which the model lets it
 * have any number. It reads the record of cell 0 and then that of cell 2, over and over.
 *
 * Proved: no torn record; none older than what was acknowledged or seen before the try began, so that who saw
 * a transaction's first record sees its second; what was seen is there after a kill; no deadlock.
 *
 * Sequences only grow: a try that has seen one change is thrown away whatever else it reads. So here it ends
 * at once, before anybody does anything: no order of steps is lost by that, and many states are.
 *
 * Each of these has to be found:
 *   MUTANT_3   apply before commit: somebody saw what a kill takes back
 *   MUTANT_4   a transaction leaves the second shard's sequence even
 *   MUTANT_6   the sequence is even again before the words are applied
 *   MUTANT_8   a slot is filled when it can be reached already
 *   MUTANT_12  a reader does not look at the sequence again
 *   MUTANT_13  a record is changed in place without the log
 *   MUTANT_15  one writer takes the mutexes the other way round
 *   MUTANT_18  each sequence is odd only while its own shard's words are applied
 */
#define WITH_PAGES false
#define MOST 3 /* versions of a record, until nobody reads it and they are counted anew */
#define MAY_CHANGE(c) (now[c] < MOST)
#define MAY_GO_ON !IS_LOST
#define STEP_SEQUENCES step_sequences();
#include "shards.inc"

byte sequence[2]; /* odd while words of the shard change */
byte reading;     /* 0: nobody is; else one more than the cell that somebody reads */
byte before;      /* the sequence when the try began */
#define IS_LOST (reading != 0 && sequence[SHARD(reading - 1)] != before WRONG(12, && false))

/* In one step: no reader looks at a log. */
inline record() {
  d_step {
    do
    :: i < n -> log[first].word[i] = plan[i]; i++
    :: else -> i = 0; break
    od
  }
}

inline step_sequences() {
  if
  :: both -> sequence[0]++; RIGHT(4, sequence[1]++)
  :: else -> sequence[me]++
  fi
}

inline apply_by_shard() {
  sequence[(1 - both) * me]++;
  apply(0, split + (1 - both) * n);
  sequence[(1 - both) * me]++;
  if
  :: both -> sequence[1]++; apply(split, n); sequence[1]++
  :: else
  fi
}

/* While nobody compares them, numbers begin again. */
inline settle_one(c) {
  if
  :: reading != c + 1 -> rename(c); sequence[SHARD(c)] = 0
  :: else
  fi
}
inline settle() {
  if
  :: both -> settle_one(0); settle_one(2)
  :: else -> settle_one(c)
  fi
}

#include "writer.inc"

inline begin_try() {
  oldest = acked[c];
  before = sequence[SHARD(c)];
  assert(before % 2 == 0);
  reading = c + 1
}

inline end_try() {
  reading = 0;
  if
  :: holds -> mutex[SHARD(c)] = false; holds = false
  :: else
  fi;
  if
  :: !mutex[SHARD(c)] -> rename(c); sequence[SHARD(c)] = 0
  :: else -> sequence[SHARD(c)] = sequence[SHARD(c)] % 2
  fi;
  before = 0; cell = 0; word[0] = 0; word[1] = 0; oldest = 0; got = 0
}

/* Which version was it? Who saw it may count on it, and on all of the transaction that it is of. */
inline judge() {
  got = word[0];
  assert(got == word[1]);
  if
  :: cell == 0 ->
    got = oldest;
    do
    :: got < now[c] && !IS_SET(gone[c], got) -> got++
    :: else -> break
    od
  :: else
  fi;
  assert(oldest <= got && got <= now[c] && IS_SET(gone[c], got) == (cell == 0));
  is_new = (got > acked[c]);
  if
  :: is_new && is_transaction -> acked[0] = now[0]; acked[2] = now[2]
  :: is_new && !is_transaction -> acked[c] = got
  :: else
  fi
}

proctype Reader() provided (IS_ALIVE) {
  byte c, cell, word[2], oldest, got;
  bool holds, is_new;
  {
    do
    :: if
       :: atomic { sequence[SHARD(c)] % 2 == 0 -> begin_try() }
       :: atomic { !mutex[SHARD(c)] -> mutex[SHARD(c)] = true; holds = true; begin_try() }
       fi;
       {
         cell = m[CELL(c)];
         if
         :: cell != 0 -> word[0] = m[PLACE(c, cell - 1)]; word[1] = m[PLACE(c, cell - 1) + 1]
         :: else
         fi;
         d_step { judge(); end_try(); c = 2 - c }
       } unless { d_step { IS_LOST -> assert(!holds); end_try() } };
       /* It stores nothing into the file: only the kills that come now can show what those of commit.pml do
        * not. */
       atomic {
         if
         :: is_new -> down = true
         :: true
         fi;
         is_new = false
       }
    :: c == 0 -> break
    od
  } unless { d_step { down -> c = 0; is_new = false } }
}

init {
  byte l, n, i, half, c, got[4];
  begin();
  atomic { run Writer(0); run Writer(1); run Reader() };
  _nr_pr == 1;
  recover();
  atomic { check() }
}
