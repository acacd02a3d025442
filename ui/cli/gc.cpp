// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "store/sqlite/garbage.hpp"
#include "tuner/json.hpp"
#include "ui/cli/invocation.hpp"
#include "ui/cli/listing.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

std::int64_t bytes_below(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(fs::symlink_status(path, ignored))) return static_cast<std::int64_t>(fs::file_size(path, ignored));
  std::int64_t sum = 0;
  for (fs::recursive_directory_iterator at(path, ignored), end; !ignored && at != end; at.increment(ignored))
    if (at->is_regular_file(ignored) && !at->is_symlink(ignored)) sum += static_cast<std::int64_t>(at->file_size(ignored));
  return sum;
}

}  // namespace

int gc_verb(Invocation& call) {
  if (!call.words().empty()) return call.fail(usage_error("`tune gc` takes no arguments: it looks at the whole store", "tune gc --dry-run"));
  const auto reader = StoreReader::open(call.store());
  if (!reader) return call.fail(reader.error());
  const auto census = count_checkpoints(**reader, call.store());
  if (!census) return call.fail(census.error());

  const bool keeps = call.has("dry-run") || !census->open.empty();
  std::int64_t bytes = 0, gone = 0;
  std::error_code failed;
  for (const auto& name : census->garbage) {
    const fs::path path = fs::path(call.store() + ".d") / "checkpoints" / name;
    bytes += bytes_below(path);
    if (keeps) continue;
    fs::remove_all(path, failed);
    if (failed) return call.fail({Error::Code::io, "cannot delete " + printable(path.string()) + ": " + failed.message(), ""});
    ++gone;
  }
  const auto found = static_cast<std::int64_t>(census->garbage.size());
  if (call.format() != Invocation::Format::table) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("kept").begin_array();
    for (const auto& k : census->kept)
      json.begin_object().key("experiment").value(k.experiment).key("checkpoints").value(k.count).key("bytes").value(k.bytes).end_object();
    json.end_array().key("missing").begin_array();
    for (const auto& name : census->missing) json.value(name);
    json.end_array().key("garbage").value(found).key("garbage_bytes").value(bytes).key("deleted").value(gone).end_object();
    call.print(out + "\n");
    return kOk;
  }
  if (!census->kept.empty()) {
    Listing listing({{"experiment", true}, {"checkpoints"}, {"bytes"}});
    for (const auto& k : census->kept) listing.add({Shown(k.experiment), Shown(k.count), Shown::shown_as(size_text(k.bytes), Shown(k.bytes))});
    call.print(listing.text(0, false));
  }
  if (!census->missing.empty())
    call.print(std::to_string(census->missing.size()) + " checkpoints are gone that the journals still count on: their trials go on from older ones\n");
  const std::string what = std::to_string(found) + " that no experiment refers to, " + size_text(bytes);
  if (found == 0)
    call.print("nothing to delete\n");
  else if (gone > 0)
    call.print("deleted " + what + "\n");
  else if (call.has("dry-run"))
    call.print("would delete " + what + "\n");
  else
    call.print(what + ": left alone while `" + printable(census->open.front()) + "` is running, whose newest files may be among them\n");
  return kOk;
}

}  // namespace tune
