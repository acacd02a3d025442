// SPDX-License-Identifier: Apache-2.0
#include "unit/pool/bed.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// Trial 0 runs on the first of two played agents, its copy, attempt 2, was ordered from the second.
struct CopyBed : Bed {
  Scripted &one, &two;

  CopyBed() : Bed(4, 2), one(*agents[0]), two(*agents[1]) {
    launch(0);
    one.events.take("launch 0");
    one.tell(1, {started(0)});
    until<Started>(1);
    executor->acknowledge(last<Started>());
    decide(Speculate{{0}, 2, {Seat{{2}, 1, 0, {}, 1, {}}}, {}});
    two.events.take("launch 0");
  }
  template <class F>
  static Observation of_copy(F fact) {
    fact.attempt = 2;
    return fact;
  }
  static Observation copy_reports(std::int64_t step) { return of_copy(std::get<Reported>(report(0, step))); }
  static Observation copy_ends(Cause cause) {
    Exited e;
    e.trial = {0}, e.attempt = 2, e.cause = cause;
    return e;
  }
  void hears(Scripted& who, const std::string& what) {
    while (!who.events.has(what)) look(0.02);
    who.events.take(what);
  }
  void takes_place() {
    Launch launch;
    launch.trial = {0}, launch.attempt = 2, launch.ranks = {Seat{{2}, 1, 0, {}, 1, {}}}, launch.speculative = true;
    decide(launch);
  }
};

}  // namespace

TEST_CASE("what a copy does is no fact before it takes the attempt's place", "[pool][copies]") {
  CopyBed bed;
  bed.two.tell(1, {CopyBed::of_copy(std::get<Started>(started(0))), CopyBed::copy_reports(1)});
  bed.hears(bed.two, "acknowledged 2");  // It counts for nothing so far.
  bed.one.tell(2, {report(0, 1)});
  bed.until<Reported>(1);
  CHECK(bed.count<Started>() == 1);
  CHECK(bed.last<Reported>().attempt == 1);
}

TEST_CASE("a copy that is first overtakes the attempt, and is told whole when it takes its place", "[pool][copies]") {
  CopyBed bed;
  bed.two.tell(1, {CopyBed::of_copy(std::get<Started>(started(0))), CopyBed::copy_reports(1), CopyBed::copy_reports(2), CopyBed::copy_ends(Cause::done)});
  bed.until<Exited>(1);
  CHECK((bed.last<Exited>().attempt == 1 && bed.last<Exited>().cause == Cause::overtaken));
  bed.hears(bed.one, "fence 0");
  bed.one.tell(2, {report(0, 1)});  // It had not heard yet.
  bed.until<Fenced>(1);
  CHECK(bed.count<Reported>() == 0);

  bed.takes_place();
  bed.until<Exited>(2);
  CHECK(bed.count<Reported>() == 2);
  CHECK(bed.last<Started>().worker == WorkerId{2});
  CHECK((bed.last<Exited>().attempt == 2 && bed.last<Exited>().cause == Cause::done));
}

TEST_CASE("the copy of an attempt that is lost goes on as the attempt", "[pool][copies]") {
  CopyBed bed;
  bed.two.tell(1, {CopyBed::of_copy(std::get<Started>(started(0))), CopyBed::copy_reports(1)});
  bed.hears(bed.two, "acknowledged 2");
  bed.one.say(Gone{std::string(32, 'a'), "its guard"});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().cause == Cause::lost);
  bed.takes_place();
  bed.until<Reported>(1);
  bed.two.tell(3, {CopyBed::copy_reports(2)});
  bed.until<Reported>(2);
  CHECK(bed.last<Reported>().attempt == 2);
}

TEST_CASE("a copy that fails is over alone", "[pool][copies]") {
  CopyBed bed;
  bed.two.tell(1, {CopyBed::copy_ends(Cause::exit)});
  bed.until<CopyExited>(1);
  CHECK(bed.last<CopyExited>().cause == Cause::exit);
  bed.one.tell(2, {report(0, 1), exited(0)});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().cause == Cause::done);
}

TEST_CASE("a copy that is not needed any more is fenced", "[pool][copies]") {
  CopyBed bed;
  bed.decide(EndCopy{{0}, 2});
  bed.two.events.take("fence 0");
  bed.two.tell(1, {CopyBed::copy_reports(1)});
  bed.until<Fenced>(1);
  CHECK(bed.count<Reported>() == 0);
}

TEST_CASE("an agent that is lost loses its copies, and one that was to go on as the attempt is lost with it", "[pool][copies]") {
  CopyBed bed;
  bed.two.say(Gone{std::string(32, 'b'), "its guard"});
  bed.until<CopyExited>(1);
  CHECK(bed.last<CopyExited>().cause == Cause::lost);
  bed.one.say(Gone{std::string(32, 'a'), "its guard"});
  bed.until<Exited>(1);
  bed.takes_place();
  bed.until<Exited>(2);
  CHECK((bed.last<Exited>().attempt == 2 && bed.last<Exited>().cause == Cause::lost));
}
