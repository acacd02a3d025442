// SPDX-License-Identifier: Apache-2.0
#include "ui/server/offline_page.hpp"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <set>

#include "tuner/json.hpp"
#include "ui/server/site.hpp"

namespace tune {
namespace {

using Sink = std::function<Result<Done>(std::string_view)>;

constexpr std::size_t kChapter = 1 << 20;
constexpr std::size_t kCurveBytes = std::size_t{48} << 20, kLogBytes = std::size_t{64} << 20;
constexpr std::int64_t kMostBest = 300, kCurvesAtOnce = 200;
constexpr std::int64_t kEvents = 20'000, kEventsAtOnce = 2000;

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string gzip(std::string_view bytes) {
  constexpr int kGzip = 15 + 16, kMemory = 8;
  z_stream stream{};
  TUNE_ASSERT(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  TUNE_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// As a content security policy names a script or a style that stands in the page.
std::string source_of(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  TUNE_ASSERT(EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return "'sha256-" + base64({reinterpret_cast<const char*>(digest), size}) + "'";
}

std::string percent_encoded(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

Response ask(Site& site, std::string target) { return site.serve({"GET", std::move(target), {}, {}, true}); }

/// Answers on their way into the file, and where in it each is.
class Chapters {
 public:
  explicit Chapters(const Sink& write) : write_(write) {}

  /// An answer under a name that the page can make up as well. Refusals too: the page is told what it would be told.
  Result<Done> add(std::string name, const Response& answer) {
    const auto bytes = answer.body.bytes();
    places_.push_back({std::move(name), written_, open_.size(), bytes.size(), answer.status});
    open_ += bytes;
    return open_.size() < kChapter ? Result<Done>{Done{}} : flush();
  }
  Result<Done> flush() {
    if (open_.empty()) return Done{};
    auto done = write_element("application/x-tune-chapter", open_);
    open_.clear(), ++written_;
    return done;
  }
  /// name: [chapter, from, length], and the status where it is not 200.
  void write_places(JsonWriter& json) const {
    json.begin_object();
    for (const auto& place : places_) {
      json.key(place.name).begin_array().value(place.chapter).value(static_cast<std::int64_t>(place.from));
      json.value(static_cast<std::int64_t>(place.length));
      if (place.status != 200) json.value(place.status);
      json.end_array();
    }
    json.end_object();
  }
  Result<Done> write_element(std::string_view type, std::string_view bytes) const {
    return write_("<script type=\"" + std::string(type) + "\">" + base64(gzip(bytes)) + "</script>\n");
  }

 private:
  struct Place {
    std::string name;
    int chapter;
    std::size_t from, length;
    int status;
  };
  const Sink& write_;
  std::string open_;
  int written_ = 0;
  std::vector<Place> places_;
};

/// One experiment's part of the file.
class Telling {
 public:
  Telling(Site& site, std::string name, std::int64_t details, Chapters& chapters)
      : site_(site), name_(std::move(name)), root_("/api/v1/experiments/" + name_), most_(details), chapters_(chapters) {}

  Result<Done> tell(const std::function<void(std::int64_t, std::int64_t)>& progress) {
    if (auto chosen = choose(); !chosen) return chosen;
    std::int64_t done = 0;
    const auto blocks = (static_cast<std::int64_t>(drawn_.size()) + kCurvesAtOnce - 1) / kCurvesAtOnce;
    const auto all = blocks * static_cast<std::int64_t>(metrics_.size()) + static_cast<std::int64_t>(detailed_.size());
    const auto step = [&] { progress(++done, all); };
    for (const char* page : {"", "/columns", "/importance", "/rungs", "/lineage", "/attempts", "/workers", "/allocations", "/settings"})
      if (auto added = add(root_ + page); !added) return added;
    if (auto added = add_events(); !added) return added;
    for (const auto& metric : metrics_)
      if (auto added = add_curves(metric, step); !added) return added;
    for (const auto trial : detailed_)
      if (auto added = add_trial(trial, step); !added) return added;
    return Done{};
  }
  void write_contents(JsonWriter& json) const {
    json.begin_object().key("name").value(name_).key("trials").value(trials_).key("details").value(details());
    json.key("logs").value(logs_).key("every_event").value(every_event_).key("best").begin_array();
    for (const auto trial : best_) json.value(trial);
    json.end_array().end_object();
  }
  std::int64_t trials() const { return trials_; }
  std::int64_t details() const { return static_cast<std::int64_t>(detailed_.size()); }

 private:
  Result<Done> add(const std::string& target) { return chapters_.add(target, ask(site_, target)); }

  /// Which trials are told of at length, and whose curves.
  Result<Done> choose() {
    auto reader = site_.readers().take();
    if (!reader) return reader.error();
    const auto pulse = site_.pulse(**reader, name_);
    if (!pulse) return pulse.error();
    const auto row = (*reader)->experiment(name_);
    if (!row) return row.error();
    const auto spec = site_.spec(*row);
    if (!spec) return spec.error();
    trials_ = row->trials;
    const auto half = (most_ + 1) / 2;
    const auto looked = site_.trials(**reader, *pulse, [&](const TrialColumns& trials) -> Result<Done> {
      best_ = trials.best(static_cast<std::size_t>(std::max(kMostBest, half)), (*spec)->objectives.front().maximize);
      return Done{};
    });
    if (!looked) return looked.error();
    std::set<std::int64_t> chosen;
    const auto take = [&](const std::vector<std::int64_t>& from, std::int64_t until) {
      for (const auto trial : from)
        if (static_cast<std::int64_t>(chosen.size()) < until) chosen.insert(trial);
    };
    const auto failed = newest(**reader, row->id, {TrialState::failed}), all = newest(**reader, row->id, {});
    if (!failed || !all) return (failed ? all : failed).error();
    take(best_, half), take(*failed, half + most_ / 4), take(*all, most_);
    detailed_.assign(chosen.begin(), chosen.end());
    if (best_.size() > static_cast<std::size_t>(kMostBest)) best_.resize(static_cast<std::size_t>(kMostBest));
    drawn_ = best_;
    const std::set<std::int64_t> drawn(best_.begin(), best_.end());
    for (const auto trial : detailed_)
      if (!drawn.contains(trial)) drawn_.push_back(trial);
    return choose_metrics(**reader, row->id, **spec);
  }
  Result<std::vector<std::int64_t>> newest(const StoreReader& reader, std::int64_t experiment, std::vector<TrialState> states) const {
    TrialQuery query;
    query.columns = {"number"}, query.descending = true, query.top = most_, query.states = std::move(states);
    const auto table = reader.trials(experiment, query);
    if (!table) return table.error();
    std::vector<std::int64_t> numbers;
    for (const auto& row : table->rows) numbers.push_back(std::get<std::int64_t>(row.front()));
    return numbers;
  }
  /// The objectives, then whatever else was reported.
  Result<Done> choose_metrics(const StoreReader& reader, std::int64_t experiment, const Spec& spec) {
    const auto names = reader.metric_names(experiment);
    if (!names) return names.error();
    metrics_ = *names;
    std::stable_partition(metrics_.begin(), metrics_.end(), [&](const std::string& name) {
      return std::any_of(spec.objectives.begin(), spec.objectives.end(), [&](const Objective& o) { return o.metric == name; });
    });
    return Done{};
  }

  Result<Done> add_events() {
    const auto path = root_ + "/events";
    const auto limit = "?limit=" + std::to_string(kEventsAtOnce);
    // Settings change rarely, and the page asks for the first of them.
    if (auto added = chapters_.add(path + "/0", ask(site_, path + limit + "&kinds=Configured&after=0")); !added) return added;
    std::int64_t before = std::int64_t{1} << 40;
    for (int page = 1; page <= kEvents / kEventsAtOnce; ++page) {
      const auto answer = ask(site_, path + limit + "&before=" + std::to_string(before));
      before = first_of(answer.body.bytes());
      if (auto added = chapters_.add(path + "/" + std::to_string(page), answer); !added) return added;
      every_event_ = before <= 1;
      if (every_event_) break;
    }
    return Done{};
  }
  /// The seq of the oldest event in an answer; 0: it has none.
  static Seq first_of(std::string_view answer) {
    constexpr std::string_view key = "\"first\":";
    const auto at = answer.rfind(key);
    Seq seq = 0;
    if (at != std::string_view::npos) std::from_chars(answer.data() + at + key.size(), answer.data() + answer.size(), seq);
    return seq;
  }

  Result<Done> add_curves(const std::string& metric, const std::function<void()>& step) {
    const bool room = curve_bytes_ < kCurveBytes;  // A metric's curves are there or not, never some of them.
    for (std::size_t from = 0, block = 0; from < drawn_.size(); from += kCurvesAtOnce, ++block) {
      step();
      if (!room) continue;
      std::string numbers;
      for (std::size_t i = from; i < std::min(drawn_.size(), from + kCurvesAtOnce); ++i)
        numbers += (numbers.empty() ? "" : ",") + std::to_string(drawn_[i]);
      const auto answer = ask(site_, root_ + "/curves?points=200&metric=" + percent_encoded(metric) + "&trials=" + numbers);
      curve_bytes_ += answer.body.bytes().size();
      if (auto added = chapters_.add(root_ + "/curves/" + std::to_string(block) + "/" + metric, answer); !added) return added;
    }
    return Done{};
  }

  Result<Done> add_trial(std::int64_t trial, const std::function<void()>& step) {
    const auto path = root_ + "/trials/" + std::to_string(trial);
    for (const char* page : {"", "/story", "/lineage"})
      if (auto added = add(path + page); !added) return added;
    step();
    if (log_bytes_ > kLogBytes) return Done{};
    std::vector<AttemptRow> attempts;
    {
      auto reader = site_.readers().take();
      if (!reader) return reader.error();
      const auto pulse = site_.pulse(**reader, name_);
      if (!pulse) return pulse.error();
      auto read = (*reader)->attempts(pulse->id, TrialId{trial});
      if (!read) return read.error();
      attempts = std::move(*read);
    }
    for (const auto& attempt : attempts)
      for (const char* stream : {"stdout", "stderr"}) {
        const auto log = path + "/log?attempt=" + std::to_string(attempt.attempt) + "&stream=" + stream;
        const auto answer = ask(site_, log + "&from=-65536");
        log_bytes_ += answer.body.bytes().size();
        if (auto added = chapters_.add(log, answer); !added) return added;
      }
    ++logs_;
    return Done{};
  }

  Site& site_;
  const std::string name_, root_;
  const std::int64_t most_;
  Chapters& chapters_;
  std::int64_t trials_ = 0, logs_ = 0;
  std::size_t curve_bytes_ = 0, log_bytes_ = 0;
  bool every_event_ = true;
  std::vector<std::int64_t> best_, detailed_, drawn_;
  std::vector<std::string> metrics_;
};

/// Takes an element that names a file out of the page: where it stood, and the file's text.
Result<std::pair<std::size_t, std::string>> take_element(const Assets& assets, std::string& page, std::string_view attribute,
                                                         std::string_view end) {
  const auto value = page.find(attribute);
  const auto begin = value == std::string::npos ? value : page.rfind('<', value);
  const auto after = value == std::string::npos ? value : page.find(end, value);
  if (begin == std::string::npos || after == std::string::npos)
    return Error{Error::Code::not_found, "this program was built without the dashboard",
                 "build it with -DTUNE_UI=ON, or name a folder with the dashboard's files in TUNE_UI_DIR"};
  const auto from = value + attribute.find('/');
  const auto path = page.substr(from, page.find('"', from) - from);
  const auto file = assets.file(path, {});
  if (!file) return Error{Error::Code::not_found, "the dashboard has no file `" + printable(path) + "`", ""};
  page.erase(begin, after + end.size() - begin);
  return std::pair{begin, std::string(file->body.bytes())};
}

/// Script that may stand in a page: what would end or nest its element is spelt in another way, which means the same within
/// texts, templates and patterns, and stands nowhere else.
std::string within_element(std::string text, std::string_view element) {
  for (const auto& tag : {"</" + std::string(element), "<" + std::string(element)})
    for (std::size_t at = 0; (at = text.find(tag, at)) != std::string::npos;) text.replace(at, 1, "\\x3c");
  return text;
}

/// The page with script and style in it, and the policy that allows these and nothing else.
Result<std::string> whole_page(const Assets& assets) {
  std::string page(assets.page({}).body.bytes());
  const auto script = take_element(assets, page, "src=\"/assets/", "</script>");
  if (!script) return script.error();
  const auto style = take_element(assets, page, "href=\"/assets/", ">");
  if (!style) return style.error();
  const auto code = within_element(script->second, "script");
  const auto policy = "default-src 'none'; script-src " + source_of(code) + "; style-src " + source_of(style->second) +
                      "; img-src data: blob:; base-uri 'none'; form-action 'none'";
  const auto head_end = page.find("</head>");
  page.insert(head_end, "<style>" + style->second + "</style>\n<script type=\"module\">" + code + "</script>\n");
  constexpr std::string_view head = "<head>";
  page.insert(page.find(head) + head.size(), "\n    <meta http-equiv=\"Content-Security-Policy\" content=\"" + policy + "\">");
  return page;
}

}  // namespace

Result<OfflineContents> write_offline_page(
    Site& site, const OfflineSettings& settings, const std::function<Result<Done>(std::string_view)>& write,
    const std::function<void(const std::string& name, std::int64_t done, std::int64_t all)>& progress) {
  const auto page = whole_page(site.assets());
  if (!page) return page.error();
  const auto end = std::min(page->find("</body>"), page->size());
  if (auto done = write(page->substr(0, end) + "\n"); !done) return done.error();

  OfflineContents total;
  Chapters chapters(write);
  if (auto done = chapters.add("/api/v1/server", ask(site, "/api/v1/server")); !done) return done.error();
  std::string contents;
  JsonWriter json(contents);
  json.begin_object().key("version").value(TUNE_VERSION).key("made");
  json.value(std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
  json.key("experiments").begin_array();
  for (const auto& name : settings.experiments) {
    Telling telling(site, name, settings.details, chapters);
    const auto told = telling.tell([&](std::int64_t done, std::int64_t all) { progress(name, done, all); });
    if (!told) return told.error();
    telling.write_contents(json);
    total.trials += telling.trials(), total.details += telling.details();
  }
  if (auto done = chapters.flush(); !done) return done.error();
  json.end_array().key("answers");
  chapters.write_places(json);
  json.end_object();
  if (auto done = chapters.write_element("application/x-tune-contents", contents); !done) return done.error();
  if (auto done = write(page->substr(end)); !done) return done.error();
  return total;
}

}  // namespace tune
