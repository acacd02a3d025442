// SPDX-License-Identifier: Apache-2.0
#include "executors/link/join_tokens.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "executors/descriptor.hpp"
#include "executors/link/authority.hpp"
#include "executors/link/secret.hpp"
#include "executors/link/secret_file.hpp"
#include "tuner/hex.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

using detail::KeptToken;
using Kept = std::vector<KeptToken>;

constexpr std::size_t kLimit = 16 * 1024 * 1024;

Error corrupt() { return {Error::Code::corrupt, "it holds no join tokens", ""}; }

std::string sha256_of(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  TUNE_ASSERT(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return to_hex(digest);
}

bool is_word_or_empty(std::string_view text) { return text.empty() || is_agent_word(text); }

/// The file, while no other process and no other thread has it open so.
class Locked {
 public:
  static Result<Locked> open(const std::string& path) {
    const std::string folder = path.substr(0, path.rfind('/')), lock = path + ".lock";
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return trouble(folder);
    Descriptor file(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    while (file && ::flock(file.get(), LOCK_EX) != 0)
      if (errno != EINTR) return trouble(lock);
    if (!file) return trouble(lock);
    return Locked(path, std::move(file));
  }

  Result<Kept> read() const {
    auto text = read_secret(path_, kLimit);
    if (!text) return text.error();
    if (!*text) return Kept{};
    auto kept = detail::parse_join_tokens(**text);
    if (!kept)
      return Error{Error::Code::corrupt, printable(path_) + ": " + kept.error().message,
                   "remove it; tokens that were given out end with it"};
    return kept;
  }
  /// Without those that have expired.
  Result<Done> write(Kept kept, std::time_t now) const {
    std::erase_if(kept, [&](const KeptToken& one) { return one.terms.expires <= now; });
    return place_secret(path_, detail::to_json(kept), Placing::last_wins);
  }

 private:
  Locked(std::string path, Descriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  static Error trouble(const std::string& path) {
    return {Error::Code::io, "cannot open " + printable(path) + ": " + std::strerror(errno), ""};
  }

  std::string path_;
  Descriptor lock_;
};

}  // namespace

JoinTokens::JoinTokens(std::string folder) : path_(std::move(folder) + "/join-tokens.json") {}

Result<std::string> JoinTokens::make(const JoinTerms& terms, std::time_t now) {
  if (!is_word_or_empty(terms.group) || !is_word_or_empty(terms.allocation))
    return Error{Error::Code::invalid,
                 "'" + printable(is_word_or_empty(terms.group) ? terms.allocation : terms.group) + "' is no name",
                 "1 to 48 letters, digits, '.', '_' and '-'"};
  if (terms.uses < 1 || terms.expires <= now || terms.until <= now)
    return Error{Error::Code::invalid, "a join token that nobody could use: it needs uses, and ends that are to come",
                 ""};
  auto token = random_token();
  if (!token) return token;
  const auto file = Locked::open(path_);
  if (!file) return file.error();
  auto kept = file->read();
  if (!kept) return kept.error();
  kept->push_back({sha256_of(*token), terms});
  if (auto written = file->write(std::move(*kept), now); !written) return written.error();
  return token;
}

Result<JoinTerms> JoinTokens::redeem(std::string_view token, std::time_t now) {
  const auto file = Locked::open(path_);
  if (!file) return file.error();
  auto kept = file->read();
  if (!kept) return kept.error();
  const auto wanted = sha256_of(token);
  KeptToken* found = nullptr;
  for (auto& one : *kept)  // To the end, whatever is found.
    if (same_secret(one.sha256, wanted)) found = &one;
  const std::string another = "make another with `tune join-token`";
  if (!found)
    return Error{Error::Code::not_found, "no such join token: it was never made here, or it expired long ago", another};
  const bool expired = found->terms.expires <= now;
  if (!expired && found->terms.uses < 1)
    return Error{Error::Code::conflict, "this join token was used as often as it may be", another};
  found->terms.uses -= expired ? 0 : 1;
  const auto terms = found->terms;
  if (auto written = file->write(std::move(*kept), now); !written) return written.error();
  if (expired) return Error{Error::Code::conflict, "this join token has expired", another};
  return terms;
}

Result<int> JoinTokens::revoke(const std::string& allocation, std::time_t now) {
  const auto file = Locked::open(path_);
  if (!file) return file.error();
  auto kept = file->read();
  if (!kept) return kept.error();
  const auto gone = std::erase_if(*kept, [&](const KeptToken& one) { return one.terms.allocation == allocation; });
  if (gone == 0) return 0;
  if (auto written = file->write(std::move(*kept), now); !written) return written.error();
  return static_cast<int>(gone);
}

namespace detail {
namespace {

/// A member that is there and fits.
std::optional<std::string> text(const JsonNode& object, std::string_view key) {
  const auto* const member = object.find(key);
  if (!member || member->value.kind != JsonNode::Kind::string) return std::nullopt;
  return member->value.text;
}
std::optional<std::int64_t> number(const JsonNode& object, std::string_view key, std::int64_t most) {
  const auto* const member = object.find(key);
  if (!member || !member->value.integer || *member->value.integer < 0 || *member->value.integer > most)
    return std::nullopt;
  return member->value.integer;
}

std::optional<KeptToken> token_of(const JsonNode& object) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const auto hash = text(object, "sha256"), group = text(object, "group"), allocation = text(object, "allocation");
  const auto uses = number(object, "uses", std::numeric_limits<int>::max());
  const auto expires = number(object, "expires", most), until = number(object, "until", most);
  if (!hash || !group || !allocation || !uses || !expires || !until) return std::nullopt;
  if (hash->size() != 64 || !is_word_or_empty(*group) || !is_word_or_empty(*allocation)) return std::nullopt;
  return KeptToken{*hash, {*group, *allocation, static_cast<int>(*uses), *expires, *until}};
}

}  // namespace

std::string to_json(const std::vector<KeptToken>& kept) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("tokens").begin_array();
  for (const auto& [hash, terms] : kept)
    writer.begin_object()
        .key("sha256")
        .value(hash)
        .key("group")
        .value(terms.group)
        .key("allocation")
        .value(terms.allocation)
        .key("uses")
        .value(terms.uses)
        .key("expires")
        .value(static_cast<std::int64_t>(terms.expires))
        .key("until")
        .value(static_cast<std::int64_t>(terms.until))
        .end_object();
  writer.end_array().end_object();
  return out + "\n";
}

Result<std::vector<KeptToken>> parse_join_tokens(std::string_view text) {
  bool sound = true;
  const auto root = parse_json(text, 0, [&](const JsonFault&) { sound = false; });
  const auto* const tokens = root && sound && root->kind == JsonNode::Kind::object ? root->find("tokens") : nullptr;
  if (!tokens || tokens->value.kind != JsonNode::Kind::array) return corrupt();
  std::vector<KeptToken> kept;
  for (const auto& item : tokens->value.items) {
    auto one = item.kind == JsonNode::Kind::object ? token_of(item) : std::nullopt;
    if (!one) return corrupt();
    kept.push_back(std::move(*one));
  }
  return kept;
}

}  // namespace detail
}  // namespace tune
