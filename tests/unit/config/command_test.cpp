// SPDX-License-Identifier: Apache-2.0
#include "tuner/command.hpp"

#include <catch2/catch.hpp>

using namespace tune;

namespace {

Dimension constant(std::string name) {
  Dimension d;
  d.name = std::move(name), d.kind = Dimension::Kind::constant, d.values = {std::int64_t{0}};
  return d;
}

Space space() {
  return *Space::make(
      {constant("lr"), constant("chunk"), constant("name"), constant("opt.momentum"), constant("opt.nesterov")});
}

using Argv = std::vector<std::string>;

Argv expand(const Argv& argv,
            const Params& params = {{"lr", 1e-5}, {"name", std::string{"a b;$(x)"}}, {"opt.nesterov", true}},
            std::string checkpoint = "") {
  const auto command = Command::parse(argv, space());
  REQUIRE(command);
  Command::Attempt attempt{params, "exp/7", 7, 2, "/t", "/t/params.json", std::move(checkpoint), 1.5, {0, 3}, 11};
  return *command->expand(attempt);
}

std::vector<Command::Fault> faults(const Argv& argv) { return Command::check(argv, space()); }

}  // namespace

TEST_CASE("a placeholder gives the shortest text that reads back as the value", "[command]") {
  CHECK(expand({"./p", "--lr=${lr}", "${name}"}) == Argv{"./p", "--lr=1e-05", "a b;$(x)"});
}

TEST_CASE("args gives every active parameter, one or two arguments each", "[command]") {
  CHECK(expand({"p", "${args}"}) == Argv{"p", "--lr=1e-05", "--name=a b;$(x)", "--opt.nesterov=true"});
  CHECK(expand({"p", "${args:space}"}) == Argv{"p", "--lr", "1e-05", "--name", "a b;$(x)", "--opt.nesterov", "true"});
  CHECK(expand({"p", "${args:override}"}) == Argv{"p", "lr=1e-05", "name=a b;$(x)", "opt.nesterov=true"});
}

TEST_CASE("a question mark drops the argument of an inactive or empty parameter", "[command]") {
  CHECK(expand({"p", "${chunk?--chunk=}", "${lr?--lr=}", "${name?}"}, {{"lr", 0.5}, {"name", std::string{}}}) ==
        Argv{"p", "--lr=0.5"});
  CHECK(expand({"p", "${checkpoint?--restore=}"}) == Argv{"p"});
  CHECK(expand({"p", "${checkpoint?--restore=}"}, {}, "/c") == Argv{"p", "--restore=/c"});
}

TEST_CASE("built-in names give the attempt's surroundings", "[command]") {
  CHECK(expand({"p", "${trial.id}", "${trial.number}/${trial.attempt}", "${trial.dir}", "${params_file}", "${seed}",
                "${resources.cpu}", "${resources.gpu_ids}", "[${checkpoint}]"}) ==
        Argv{"p", "exp/7", "7/2", "/t", "/t/params.json", "11", "1.5", "0,3", "[]"});
}

TEST_CASE("a dollar sign stands for itself unless it opens a placeholder", "[command]") {
  CHECK(expand({"bash", "-c", "echo $TUNE_P_LR $$ $${lr} $"}) == Argv{"bash", "-c", "echo $TUNE_P_LR $ ${lr} $"});
}

TEST_CASE("an empty element stays an empty argument", "[command]") {
  CHECK(expand({"p", "", "${chunk}"}) == Argv{"p", "", ""});
}

TEST_CASE("a parameter hides the built-in of the same name", "[command]") {
  const auto s = *Space::make({constant("seed")});
  const Params params{{"seed", std::int64_t{5}}};
  CHECK(*Command::parse({"p", "${seed}"}, s)->expand({params, "", 0, 1, "", "", "", 1, {}, 99}) == Argv{"p", "5"});
}

TEST_CASE("faults of a template say where they are", "[command]") {
  using Kind = Command::Fault::Kind;
  const auto one = [](const Argv& argv) {
    const auto all = faults(argv);
    REQUIRE(all.size() == 1);
    return all[0];
  };
  CHECK(one({"p", "-x ${lrr}"}).kind == Kind::unknown);
  CHECK(one({"p", "-x ${lrr}"}).begin == 3);
  CHECK(one({"p", "-x ${lrr}"}).end == 9);
  CHECK(one({"p", "-x ${lrr}"}).hint == "did you mean `${lr}`?");
  CHECK(one({"p", "${lr"}).kind == Kind::malformed);
  CHECK(one({"p", "${seed?x}"}).kind == Kind::malformed);
  CHECK(one({"p", "x${args}"}).kind == Kind::not_alone);
  CHECK(one({"p", "${lr?--lr=} "}).kind == Kind::not_alone);
  CHECK(one({"p", std::string("a\0b", 3)}).kind == Kind::nul);
  CHECK(one({"p", "${inputs.images}"}).kind == Kind::unknown);
  CHECK(one({"p", "${rank}"}).hint == "each rank finds its number in $RANK");
  CHECK(one({""}).kind == Kind::empty);
  CHECK(one({}).kind == Kind::empty);
  CHECK(faults({"p", "${a}", "${b}"}).size() == 2);
}

TEST_CASE("a value with a NUL is refused and not cut off", "[command]") {
  const Params params{{"name", std::string("a\0b", 3)}};
  CHECK_FALSE(Command::parse({"p", "${name}"}, space())->expand({params, "", 0, 1, "", "", "", 1, {}, 0}));
}

TEST_CASE("a command knows which parameters it passes", "[command]") {
  const auto c = *Command::parse({"p", "${name}${lr}", "${lr?x}"}, space());
  CHECK(c.parameters() == Argv{"lr", "name"});
  CHECK_FALSE(c.passes_all());
  CHECK(Command::parse({"p", "${params_file}"}, space())->passes_all());
}

TEST_CASE("parameters are written typed and nested by dots", "[command]") {
  CHECK(params_json({}) == "{}");
  CHECK(params_json({{"lr", 0.5},
                     {"n", std::int64_t{3}},
                     {"opt.m", true},
                     {"opt-x", std::string{"a\"b"}},
                     {"opt.a.b", 1.0},
                     {"opt.a.c", 2.5}}) == R"({"lr":0.5,"n":3,"opt-x":"a\"b","opt":{"a":{"b":1.0,"c":2.5},"m":true}})");
}

TEST_CASE("environment names are upper case with underscores", "[command]") {
  CHECK(environment_name("opt.weight-decay2") == "TUNE_P_OPT_WEIGHT_DECAY2");
}
