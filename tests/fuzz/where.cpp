// SPDX-License-Identifier: Apache-2.0
// Any text as TrialQuery::where: refused, or compiled to SQL that SQLite accepts and that holds no byte of the text.
#include "store/sqlite/where.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/sqlite/schema.hpp"

using namespace tune::sqlite;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Database db = [] {
    Database made(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    made.execute(std::string{kTables} + kViews +
                 "INSERT INTO params VALUES(1 << 40, 'lr', 0.1, 'float'), (1 << 40, 'opt', 'adam', 'text');"
                 "INSERT INTO metrics VALUES(1, 0, 'loss'), (1, 1, 'acc');");
    return made;
  }();
  static const Names names(db, 1, "loss");
  const auto compiled = compile_where({reinterpret_cast<const char*>(bytes), size}, names);
  if (!compiled) return 0;
  if (compiled->text.find_first_of("\";\\") != std::string::npos) std::abort();
  try {
    auto statement = db.prepare("SELECT t.id FROM trials t WHERE " + compiled->text);
    bind_all(statement, compiled->values);
    statement.execute();
  } catch (const Failure& failure) {
    // Nesting that our parser allows must be none that SQLite refuses.
    std::abort();
  }
  return 0;
}
