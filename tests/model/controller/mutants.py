#!/usr/bin/env python3
"""Wrong machines of the conversation with OKG, each of which the model has to find out.

A mutant is one change of a source in src/controller. It is made in a copy; that one file is compiled and linked with
what the build has of everything else. The model's random walks go first, then the unit tests, which are quick and find
details that no event of the model tells (a bound, a call that is wrong), then every order, until something breaks.

  mutants.py --build BUILD/mutants.json            five of them, others every day; OKG_LONG=1: all
  mutants.py --build BUILD/mutants.json NAME...    these
  mutants.py --check                               only whether each still fits the sources
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[3]
HANDSHAKE, WRITER, TALK = "handshake", "writer", "conversation"
EACH_SECONDS = 240

# name, source, what it is, what it becomes, why that is wrong
MUTANTS = [
    # --- The handshake
    ("not_armed_on_updated", HANDSHAKE,
     "  if (is_calm) arm(facts, actions);", "  if (facts.stage == Stage::calm) arm(facts, actions);",
     "a label left released in Updated holds up the whole rollout (kruise-game#161)"),
    ("never_armed", HANDSHAKE,
     "  if (is_calm) arm(facts, actions);", "",
     "the next update is not asked for"),
    ("armed_while_asked", HANDSHAKE,
     "  if (is_calm) arm(facts, actions);", "  arm(facts, actions);",
     "what was allowed is taken back"),
    ("delete_hook_not_armed", HANDSHAKE,
     "  if (facts.delete_hook == \"false\")", "  if (false)",
     "a deletion that was put off is not asked for the next time"),
    ("released_unasked", HANDSHAKE,
     "  if (notice_->waits && !somebody_) release(actions);", "  if (notice_->waits) release(actions);",
     "the game's answer is not waited for"),
    ("nobody_is_waited_for", HANDSHAKE,
     "  if (notice_->waits && !somebody_) release(actions);", "",
     "without a callback every update waits for the deadline"),
    ("deadline_ignored", HANDSHAKE,
     "  if (!notice_ || !notice_->waits || allowed_) return std::nullopt;", "  if (allowed_ || !allowed_) return std::nullopt;",
     "a game that never answers holds the update back for ever"),
    ("deadline_at_once", HANDSHAKE,
     "notice_->deadline = clock.monotonic + options_.patience;", "notice_->deadline = clock.monotonic;",
     "the game has no time to save"),
    ("allow_forgotten", HANDSHAKE,
     "  if (notice_->waits && !allowed_) release(*actions);", "",
     "the game's answer changes nothing"),
    ("released_twice", HANDSHAKE,
     "  if (notice_->waits && !allowed_) release(*actions);", "  if (notice_->waits) release(*actions);",
     "a patch more for each further call"),
    ("not_released_again", HANDSHAKE,
     "      else if (allowed_ && hook == \"true\")", "      else if (false)",
     "what the controller's old copy armed again waits for ever"),
    ("any_notice_is_allowed", HANDSHAKE,
     "  if (!notice_ || notice_->id != id) return false;", "  if (!notice_) return false;",
     "a late answer allows the next update"),
    ("pre_delete_is_calm", HANDSHAKE,
     "    case Stage::preparing:\n    case Stage::preparing_delete: {", "    case Stage::preparing_delete:\n      return actions;\n    case Stage::preparing: {",
     "nobody is asked before a deletion, and it waits for ever"),
    ("pre_delete_releases_the_other", HANDSHAKE,
     "  actions.push_back(handshake_action::SetHook{hook_of(notice_->kind), false});",
     "  actions.push_back(handshake_action::SetHook{hook_of(Notice::Kind::update), false});",
     "a deletion is allowed at the label of updates"),
    ("crash_in_the_middle_is_news", HANDSHAKE,
     "    else if (!only_updating_) {", "    else {",
     "the process that an update started is told that the update is coming"),
    ("grace_of_the_last_update", HANDSHAKE,
     "  if (!over_.empty()) facts.grace.reset();", "",
     "the volume is behind: what is over is told once more"),
    ("grace_of_the_same_revision", HANDSHAKE,
     " ||\n      (facts.state && facts.state->updated_at != over_began_))", ")",
     "a revision that comes again has no grace period"),
    ("grace_ends_when_okg_says_so", HANDSHAKE,
     "  if (was_under_way && facts.grace && (is_calm || facts.stage == Stage::preparing))",
     "  if (was_under_way && facts.grace && false)",
     "OKG's older state ends what the pod's volume tells of"),
    ("grace_is_the_update", HANDSHAKE,
     "  if (comes_unasked && facts.grace) return;  // told already, and not over", "",
     "an update is told as started while its grace period lasts"),
    ("new_grace_overlooked", HANDSHAKE,
     "notice_ && facts.grace && !notice_->revision.empty() && facts.grace->revision != notice_->revision;",
     "false;",
     "a newer revision in the grace period is taken for the older"),
    ("grace_from_now", HANDSHAKE,
     "  const std::int64_t began = facts.state ? facts.state->updated_at.value_or(clock.realtime) : clock.realtime;",
     "  const std::int64_t began = clock.realtime;",
     "a grace period begins anew with each version"),
    ("older_record", HANDSHAKE,
     "  const bool is_of_this = facts.state && !(earlier_ && *earlier_ && facts.state->is_of_same(**earlier_));",
     "  const bool is_of_this = facts.state.has_value();",
     "the containers of the update before are named"),
    ("over_is_withdrawn", HANDSHAKE,
     "notice_->phase == Notice::Phase::started || allowed_, actions);", "false, actions);",
     "what the game lived through is told as withdrawn"),
    ("never_started", HANDSHAKE,
     "    tell(Notice::Phase::started, actions);\n  }\n}", "  }\n}",
     "an update that was allowed is never told as started"),
    # --- The writer
    ("older_over_newer", WRITER,
     "  if (object && object_ && is_older(object->resource_version, newest_))", "  if (false)",
     "an answer that the watch has overtaken is taken for the newest"),
    ("written_over_anything", WRITER,
     "  return wish.known.empty() && is_untouched(wish.field, rightful) ? May::write : May::conflict;",
     "  return May::write;",
     "somebody's decision is overwritten unheard"),
    ("expect_ignored", WRITER,
     "  if (wish.expect && rightful != *wish.expect) return May::conflict;", "",
     "compare and set does not compare"),
    ("conflict_is_success", WRITER,
     "      if (error.code == Code::conflict || error.code == Code::not_found) {",
     "      if (error.code == Code::conflict) {\n        for (const auto& [field, sent] : std::exchange(sent_, {})) arrived(sent, false, now, actions);\n"
     "        return actions;\n      }\n      if (error.code == Code::not_found) {",
     "a write that lost is told as done"),
    ("uid_not_compared", WRITER,
     "  const bool is_another = object && !uid_.empty() && object->uid != uid_;", "  const bool is_another = false;",
     "a GameServer made anew is written as if it held ours"),
    ("gone_holds_it", WRITER,
     "  if (is_gone || (is_current && sent.wish.passing)) return;", "  if (is_current && sent.wish.passing) return;",
     "the answer of a GameServer that is gone counts for the one there is"),
    ("not_found_forgets", WRITER,
     "      if (error.code == Code::conflict || error.code == Code::not_found) {",
     "      if (error.code == Code::not_found) {\n        object_.reset();\n        failed(actions);\n        return actions;\n      }\n"
     "      if (error.code == Code::conflict) {",
     "a late 404 forgets a GameServer made anew"),
    ("stale_is_written", WRITER,
     "      stale_ = true;", "",
     "a patch is sent again, based on what is known to be old"),
    ("not_read_again", WRITER,
     "      actions.push_back(writer_action::Reread{});", "",
     "after a conflict nothing is written any more"),
    ("two_at_a_time", WRITER,
     "  if (!connected_ || !object_ || stale_ || in_flight_ || now < pause_until_) return actions;",
     "  if (!connected_ || !object_ || stale_ || now < pause_until_) return actions;",
     "patches overtake each other"),
    ("taken_back_is_theirs", WRITER,
     "  if (!entry.wish.ours && (!is_back || entry.written_again >= kMostAgain))", "  if (!entry.wish.ours)",
     "what the controller's old copy took back stays lost"),
    ("again_without_end", WRITER,
     "  if (!entry.wish.ours && (!is_back || entry.written_again >= kMostAgain))",
     "  if (!entry.wish.ours && !is_back)",
     "a fight with the controller"),
    ("again_over_anybody", WRITER,
     "  return is(entry.taken_back, current) && object_->written_by_controller(entry.wish.field);",
     "  return is(entry.taken_back, current);",
     "what somebody decided after the controller took ours back is overwritten"),
    ("again_after_hours", WRITER,
     "                       object_->written_by_controller(entry.wish.field) && now - entry.written_at < kStaleFor;",
     "                       object_->written_by_controller(entry.wish.field);",
     "what was decided later is taken for an old copy"),
    ("again_over_the_first", WRITER,
     "  entry.wish.known = {entry.wish.value};  // not over what it was written over once", "",
     "somebody's same value is overwritten"),
    ("lost_answer_is_no_write", WRITER,
     "      found->second.lost = sent.previous;", "",
     "what arrived without an answer is a conflict with itself"),
    ("no_superseded", WRITER,
     "      actions.push_back(superseded(entry.wish));", "      (void)0;",
     "whoever waits for an older wish waits for ever"),
    ("late_expect", WRITER,
     "    at = is_over ? entries_.erase(at) : std::next(at);", "    at = std::next(at);",
     "what was to be compared with the value of then is written later"),
    ("timeout_forgets", WRITER,
     "    at = is_over ? entries_.erase(at) : std::next(at);", "    at = entries_.erase(at);",
     "the latest value is not kept"),
    # --- Between them
    ("another_pods_gameserver", TALK,
     "      object->owner_pod_uid != options_.pod_uid)", "      false)",
     "the GameServer of the pod before is taken for ours"),
    ("hook_tried_at_once", TALK,
     "      if (!writer_.is_wanted(wish.field, wish.value)) add(", "      add(",
     "a hook that may not be written is tried with every version"),
    ("hook_kept", TALK,
     "      wish.passing = true;", "",
     "a hook is defended after the update"),
    ("hook_as_it_was_to_be", TALK,
     "    if (!is_wanted) writer_.drop(field);", "    (void)is_wanted;",
     "a hook is armed, or released, as things stood before"),
    ("written_before_it_is_looked_at", TALK,
     "  writer_.take(std::move(object), clock.monotonic);\n  look(clock, sayings);",
     "  add(writer_.seen(std::move(object), clock.monotonic), sayings);\n  look(clock, sayings);",
     "what was to be written goes out although the new version says otherwise"),
    ("taken_back_is_shown", TALK,
     "  if (!object || ops_state == object->ops_state) return object;", "  return object;",
     "the game hears of a value that is being written over again"),
]


def fits(mutant):
    name, source, old, new, _ = mutant
    text = (SOURCE / f"src/controller/{source}.cpp").read_text()
    if text.count(old) == 1 and old != new:
        return text.replace(old, new)
    print(f"{name}: its text stands {text.count(old)} times in {source}.cpp: the sources have changed, mend the mutant")
    return None


def rotating(count):
    """As many, and others each day: every one comes up."""
    first = int(time.time() // 86400) * count
    return [MUTANTS[(first + i) % len(MUTANTS)] for i in range(count)]


class Killer:
    def __init__(self, build, work):
        self.build, self.work = build, work

    def run(self, mutant):
        """(killed by, seconds), or (None, …); raises if it cannot be built."""
        name, source, _, _, _ = mutant
        begin = time.monotonic()
        copy = self.work / f"{name}.cpp"
        copy.write_text(fits(mutant))
        made = self.work / f"{name}.o"
        self.call([self.build["compiler"], *self.build["flags"], "-O1", "-w", "-c", str(copy), "-o", str(made)])
        others = [o for o in self.build["controller"] if not o.endswith(f"/{source}.cpp.o")]
        programs = {}
        for kind in ("model", "unit"):
            programs[kind] = self.work / f"{name}.{kind}"
            self.call([self.build["compiler"], *self.build["flags"], str(made), *others, *self.build[kind],
                       "-o", str(programs[kind]), *self.build["libraries"]])
        for kind, tests, by in (("model", "*Million*", "a walk"), ("unit", "*", "a unit test"),
                                ("model", "*Order*", "every order")):
            if self.fails(programs[kind], tests):
                return by, time.monotonic() - begin
        return None, time.monotonic() - begin

    @staticmethod
    def call(command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command[:1])} … {command[-1]}:\n{done.stderr[-3000:]}")

    @staticmethod
    def fails(program, tests):
        environment = {**os.environ, "OKG_LONG": "0", "OKG_MODEL_STEPS": "1000000"}
        try:
            done = subprocess.run([program, "--gtest_fail_fast", "--gtest_brief=1", f"--gtest_filter={tests}"], env=environment,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=EACH_SECONDS)
        except subprocess.TimeoutExpired:
            return True  # it hangs: so would a server
        return done.returncode != 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", help="what to compile and link with; the build writes it")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()

    if not all([fits(mutant) is not None for mutant in MUTANTS]):
        return 1
    if options.check:
        print(f"{len(MUTANTS)} mutants fit")
        return 0
    if options.names:
        chosen = [mutant for mutant in MUTANTS if mutant[0] in options.names]
        if len(chosen) != len(set(options.names)):
            parser.error("no such mutant")
    else:
        chosen = MUTANTS if os.environ.get("OKG_LONG") == "1" else rotating(5)

    build = json.loads(pathlib.Path(options.build).read_text())
    for key in ("flags", "controller", "model", "unit", "libraries"):
        build[key] = [part for part in build[key].split(";") if part]
    missing = [o for key in ("controller", "model", "unit") for o in build[key] if not pathlib.Path(o).exists()]
    if missing:
        print(f"{missing[0]} is not there: build test_handshake_model and test_controller first")
        return 1

    survivors = 0
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        killer = Killer(build, pathlib.Path(work))
        print(f"{len(chosen)} of {len(MUTANTS)} mutants", flush=True)
        for mutant, (by, seconds) in zip(chosen, pool.map(killer.run, chosen)):
            print(f"{mutant[0]} ({mutant[4]}): {'found by ' + by if by else 'SURVIVED'}, {seconds:.1f} s", flush=True)
            survivors += by is None
    if survivors:
        print(f"{survivors} survived: a check is missing")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
