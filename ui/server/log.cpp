// SPDX-License-Identifier: Apache-2.0
// What a trial printed, by pieces, so that a page can follow it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "tuner/utf8.hpp"
#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"
#include "ui/view/trial_log.hpp"

namespace tune {
namespace {

constexpr std::int64_t kPiece = 256 * 1024;
constexpr std::int64_t kFar = std::int64_t{1} << 50;

struct Piece {
  std::string text;
  std::int64_t from = 0, to = 0, size = 0;
};

/// A trial that prints its environment prints its token, too, and who sees that could report in its name.
void hide(const std::string& token, std::string& text) {
  for (auto at = text.find(token); at != std::string::npos; at = text.find(token, at)) text.replace(at, token.size(), token.size(), '*');
}

/// A piece of a file that a trial wrote. Nothing is followed to elsewhere: the trial owns the folder.
Piece read_piece(const std::string& path, const std::string& token, std::int64_t from, std::int64_t limit) {
  Piece piece;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return piece;
  struct stat status {};
  if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
    piece.size = status.st_size;
    piece.from = std::clamp<std::int64_t>(from < 0 ? piece.size + from : from, 0, piece.size);
    // With so much before and behind that a token which is cut by an end is seen.
    const auto around = static_cast<std::int64_t>(token.size());
    const auto begin = std::max<std::int64_t>(piece.from - around, 0), end = std::min(piece.from + limit + around, piece.size);
    piece.text.resize(static_cast<std::size_t>(end - begin));
    const auto n = ::pread(file, piece.text.data(), piece.text.size(), begin);
    piece.text.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    hide(token, piece.text);
    piece.text.erase(0, static_cast<std::size_t>(piece.from - begin));
    piece.text.resize(std::min(piece.text.size(), static_cast<std::size_t>(limit)));
  }
  ::close(file);
  // A character that the end cuts in two is left for the next piece.
  for (std::size_t cut = 1; cut <= 3 && cut < piece.text.size() && piece.from + limit < piece.size; ++cut) {
    const auto byte = static_cast<unsigned char>(piece.text[piece.text.size() - cut]);
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    if (utf8_length(std::string_view(piece.text).substr(piece.text.size() - cut)) == 0) piece.text.resize(piece.text.size() - cut);
    break;
  }
  piece.to = piece.from + static_cast<std::int64_t>(piece.text.size());
  return piece;
}

}  // namespace

Result<Response> trial_log(Site& site, const Call& call) {
  const auto attempt = call.query.whole("attempt", 1, 1'000'000), from = call.query.whole("from", -kFar, kFar);
  const auto limit = call.query.whole("limit", 1, kPiece);
  for (const auto* one : {&attempt, &from, &limit})
    if (!*one) return one->error();
  const auto stream = call.query.has("stream") ? call.query.get("stream") : "stdout";
  if (stream != "stdout" && stream != "stderr")
    return Error{Error::Code::invalid, "`stream` is stdout or stderr, not `" + printable(stream) + "`", ""};
  const auto about = regarded_trial(site, call);
  if (!about) return about.error();
  const TrialDetail& detail = about->detail;
  const int number = static_cast<int>(attempt->value_or(std::max(1, detail.row.attempt)));
  const auto found = std::find_if(detail.attempts.begin(), detail.attempts.end(), [&](const auto& a) { return a.attempt == number; });
  // Looked up before the file is read: what was written until then is in the piece.
  const bool over = found == detail.attempts.end() ? is_final(detail.row.state) : found->cause.has_value();
  const auto folder = attempt_folder(store_folder(site.settings().store) + "/" + about->pulse.name, *call.trial, number);
  Call own = call;
  own.attempt = number;
  const auto piece = read_piece(folder + "/" + stream + ".log", site.token_of(own), from->value_or(0), limit->value_or(kPiece));
  std::string out;
  JsonWriter(out).begin_object().key("text").value(piece.text).key("from").value(piece.from).key("to").value(piece.to).key("size")
      .value(piece.size).key("over").value(over).end_object();
  return json_response(std::move(out));
}

}  // namespace tune
