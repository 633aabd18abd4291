/* Put by copy, put in place, erase and transactions of two writers, any number of each, killed between any
 * two stores, and then recovery, killed between any two of its stores, any number of times.
 *
 * Proved: what was acknowledged is there; what was under way is there entirely or not at all, a transaction
 * too; the bits that are set are the places that are reached, none of them twice; counts are right. What
 * recovery leaves is what the writers begin from, so that it holds for the next process again.
 *
 * Each of these has to be found:
 *   MUTANT_1   commit before the entries are there
 *   MUTANT_2   retire before apply
 *   MUTANT_3   apply before commit
 *   MUTANT_5   recovery retires first
 *   MUTANT_7   the old slot's bit is cleared outside the record
 *   MUTANT_8   a slot is filled when it can be reached already
 *   MUTANT_9   an entry says "one more" instead of how many
 *   MUTANT_10  a transaction does not take the second shard's mutex
 *   MUTANT_11  a transaction commits once a shard
 *   MUTANT_13  a record is changed in place without the log
 *   MUTANT_14  the mutexes are let go before the log is retired
 *   MUTANT_16  the mutex of the pages is let go before the log is retired
 *   MUTANT_17  recovery forgets the second log
 *   MUTANT_19  recovery writes down how many words are left: a second recovery leaves the last out
 *   MUTANT_20  a log is taken that somebody has
 */
#define WITH_PAGES true
#define MAY_CHANGE(c) true
#define MAY_GO_ON true
#define STEP_SEQUENCES /* nobody reads meanwhile */
#include "shards.inc"

inline record() {
  do
  :: i < n -> d_step { log[first].word[i] = plan[i]; i++ }
  :: else -> i = 0; break
  od
}

inline settle() {
  if
  :: both -> rename(0); rename(2)
  :: else -> rename(c)
  fi
}

#include "writer.inc"

init {
  byte l, n, i, half, c, got[4];
  begin();
  atomic { run Writer(0); run Writer(1) };
  down = true; /* at any time */
  _nr_pr == 1;
  d_step { mutex[0] = false; mutex[1] = false; taken[0] = false; taken[1] = false; pages_mutex = false };
  recover();
  atomic { check() }
}
