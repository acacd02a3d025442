// SPDX-License-Identifier: Apache-2.0
// Server-sent events: what changed, as it does.
#include <charconv>

#include "ui/server/news.hpp"
#include "ui/server/routes.hpp"

namespace tune {
namespace {

Response stream_response(std::unique_ptr<Stream> stream) {
  Response response;
  response.content_type = "text/event-stream";
  response.stream = std::move(stream);
  return response;
}

}  // namespace

Result<Response> experiments_stream(Site& site, const Call&) { return stream_response(site.news().of_all()); }

Result<Response> experiment_stream(Site& site, const Call& call) {
  const auto after = call.query.whole("after", 0, std::int64_t{1} << 40);
  if (!after) return after.error();
  Seq seen = after->value_or(0);
  // A browser that comes back says by itself where it was.
  if (const auto last = call.request.only("last-event-id"); last && !last->empty()) {
    const auto [end, failed] = std::from_chars(last->data(), last->data() + last->size(), seen);
    if (failed != std::errc{} || end != last->data() + last->size() || seen < 0)
      return Error{Error::Code::invalid, "`Last-Event-ID` is the number of an event", ""};
  }
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  if (auto there = site.pulse(**reader, call.name); !there) return there.error();
  return stream_response(site.news().of(call.name, seen));
}

}  // namespace tune
