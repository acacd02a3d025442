// SPDX-License-Identifier: Apache-2.0
#include "executors/link/join_file.hpp"

#include <optional>

#include "executors/link/host_name.hpp"
#include "executors/link/secret_file.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

constexpr std::size_t kLimit = 64 * 1024;
const std::string kAnother = "make another with `tune join-token`";

Error wrong(const std::string& what) { return {Error::Code::invalid, what, kAnother}; }

/// The text of a member; empty: it is missing, no text, or empty.
std::string text_of(const JsonNode& object, std::string_view key) {
  const auto* const member = object.find(key);
  return member && member->value.kind == JsonNode::Kind::string ? member->value.text : "";
}

bool is_fingerprint(std::string_view text) {
  if (text.size() != 32 * 3 - 1) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool fits =
        i % 3 == 2 ? text[i] == ':' : std::string_view("0123456789ABCDEF").find(text[i]) != std::string_view::npos;
    if (!fits) return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Result<JoinFile> parse_join_file(std::string_view text) {
  bool sound = true;
  const auto root = parse_json(text, 0, [&](const JsonFault&) { sound = false; });
  if (!root || !sound || root->kind != JsonNode::Kind::object) return wrong("it is no JSON object");
  JoinFile file{text_of(*root, "address"), text_of(*root, "fingerprint"), text_of(*root, "token"),
                text_of(*root, "group"), 0};
  const auto split = split_address(file.address);
  if (!split || split->port == 0) return wrong("`address` is not a machine's name or address with a port");
  if (!is_fingerprint(file.fingerprint)) return wrong("`fingerprint` is not the SHA-256 of a certificate, as 0A:1B:…");
  if (!is_token(file.token)) return wrong("`token` is not 64 hexadecimal digits");
  const auto* const expires = root->find("expires");
  if (!expires || !expires->value.integer || *expires->value.integer <= 0)
    return wrong("`expires` is not a number of seconds since 1970");
  file.expires = static_cast<std::time_t>(*expires->value.integer);
  return file;
}

std::string to_json(const JoinFile& file) {
  std::string text;
  JsonWriter(text)
      .begin_object()
      .key("address")
      .value(file.address)
      .key("fingerprint")
      .value(file.fingerprint)
      .key("token")
      .value(file.token)
      .key("group")
      .value(file.group)
      .key("expires")
      .value(static_cast<std::int64_t>(file.expires))
      .end_object();
  return text;
}

Result<Done> write_join_file(const std::string& path, const JoinFile& file) {
  return place_secret(path, to_json(file) + "\n", Placing::last_wins);
}

Result<JoinFile> read_join_file(const std::string& path, std::time_t now) {
  const auto text = read_given(path, "join file", kLimit, Given::secret);
  if (!text) {
    auto error = text.error();
    if (error.hint.empty()) error.hint = "make one with `tune join-token --out FILE`, where the coordinator runs";
    return error;
  }
  auto file = parse_join_file(*text);
  std::string why = file ? "" : file.error().message;
  if (file && file->expires <= now) why = "it has expired";
  if (why.empty()) return file;
  auto error = unusable("join file", path, why);
  error.hint = kAnother;
  return error;
}

}  // namespace tune
