/* A region whose live data is the image (`in_place`). Two threads write; both may have a word in the same
 * line. touch() stores the line as it was into the undo area, then the count of saved lines; then the caller
 * may write. Commit is count = 0, when nobody is between touch() and the end of its write. Recovery stores
 * the lines back, newest first, then count = 0. All are killed between any two stores, and recovery too, any
 * number of times, and begin anew.
 *
 * Proved: after a kill and recovery the region is what it was at the last commit.
 *
 * Each of these has to be found:
 *   MUTANT_1   the count is stored before the line is saved
 *   MUTANT_2   a word is written, then touch() called
 *   MUTANT_3   recovery sets the count to 0 first
 *   MUTANT_4   each touch() saves the line, and recovery begins with the oldest
 *   MUTANT_5   commit does not forget which lines were touched
 *   MUTANT_6   commit counts down
 *   MUTANT_7   two threads save at once
 *   MUTANT_8   commit does not wait for who is writing
 *   MUTANT_9   recovery begins with the oldest and counts down as it goes
 *   MUTANT_10  a line is marked as touched before the count says that it is saved
 *   MUTANT_11  recovery leaves the oldest line out
 */
#include "mutants.inc"

#define LINES 3
#define WORDS 6      /* two a line: each thread has one */
#define UNDO_LINES (3 WRONG(4, + 2) WRONG(7, + 3))
#define NOTHING 7    /* what no word ever is */

/* In the file. 0 is what a word was at the last commit: which number that was does not matter. */
byte m[WORDS];
byte saved; /* lines in the undo area */
byte undo_line[UNDO_LINES], undo_word[2 * UNDO_LINES];

/* In the process's own memory. */
bool touched[LINES], mutex, committing;
byte writing; /* threads between touch() and the end of their write */

bool down; /* killed */
#define IS_ALIVE (!down || _nr_pr == _pid + 1) /* once killed they end one after another, as Spin wants it */

inline save() {
  WRONG(1, saved++;)
  undo_line[at] = line;
  undo_word[2 * at] = m[2 * line];
  undo_word[2 * at + 1] = m[2 * line + 1];
  WRONG(10, touched[line] = true;)
  RIGHT(1, saved = at + 1;)
}

inline touch() {
  if
  :: !touched[line] WRONG(4, || saved < 2) ->
    RIGHT(7, atomic { !mutex -> mutex = true };)
    if
    :: !touched[line] WRONG(4, || saved < 2) -> at = saved; save(); touched[line] = true
    :: else
    fi;
    d_step { at = 0; mutex = false }
  :: else
  fi
}

inline write() {
  if
  :: m[2 * line + me] = 0
  :: m[2 * line + me] = 1
  fi
}

proctype Thread(byte me) provided (IS_ALIVE) {
  byte line, at;
  {
    do
    :: atomic { !committing WRONG(8, || true) -> writing++;
         if
         :: line = 0
         :: line = 1
         :: line = 2
         fi };
       WRONG(2, write();)
       touch();
       RIGHT(2, write();)
       d_step { writing--; line = 0 }
    od
  } unless { d_step { down -> line = 0; at = 0 } }
}

inline clear_undo() {
  i = 0;
  do
  :: i < UNDO_LINES -> undo_line[i] = NOTHING; undo_word[2 * i] = NOTHING; undo_word[2 * i + 1] = NOTHING; i++
  :: else -> break
  od;
  i = 0
}

inline forget_touched() { touched[0] = false; touched[1] = false; touched[2] = false }

/* From now on this is how it was at the last commit. */
inline rename() {
  i = 0;
  do
  :: i < WORDS -> m[i] = 0; i++
  :: else -> break
  od;
  clear_undo()
}

proctype Committer() provided (IS_ALIVE) {
  byte i;
  {
    do
    :: atomic { saved > 0 RIGHT(8, && writing == 0) -> committing = true };
      WRONG(6, do :: saved > 1 -> saved-- :: else -> break od;)
      atomic { saved = 0; rename() };
      RIGHT(5, forget_touched();)
      committing = false
    od
  } unless { down }
}

#ifdef MUTANT_4
#define NEXT i
#elif defined(MUTANT_9)
#define NEXT i
#else
#define NEXT (n - 1 - i)
#endif

init {
  byte i, n, half;
  d_step { clear_undo() };
  do
  :: atomic { run Thread(0); run Thread(1); run Committer() };
    down = true; /* at any time */
    _nr_pr == 1;
    d_step { mutex = false; committing = false; writing = 0; forget_touched() };

killed:
    i = 0;
    half = 0;
    n = saved WRONG(11, - (saved > 0));
    WRONG(3, saved = 0;)
    do
    :: i < n ->
      d_step {
        m[2 * undo_line[NEXT] + half] = undo_word[2 * NEXT + half];
        i = i + half;
        half = 1 - half
      }
      WRONG(9, if :: half == 0 -> saved-- :: else fi;)
    :: i == n -> saved = 0; break
    :: goto killed
    od;

    atomic {
      i = 0;
      do
      :: i < WORDS -> assert(m[i] == 0); i++
      :: else -> break
      od;
      clear_undo();
      n = 0;
      down = false
    }
  od
}
