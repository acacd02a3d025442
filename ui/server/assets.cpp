// SPDX-License-Identifier: Apache-2.0
#include "ui/server/assets.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPage = "/index.html";
constexpr std::string_view kNothing =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>tune</title><h1>tune</h1>"
    "<p>This program was built without the dashboard. Its API is at <code>/api/v1/experiments</code>, its metrics at "
    "<code>/metrics</code>.</p></html>\n";

std::string_view type_of(std::string_view path) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> types = {{
      {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"}, {".png", "image/png"}, {".ico", "image/x-icon"}, {".woff2", "font/woff2"},
      {".json", "application/json"}, {".txt", "text/plain; charset=utf-8"}, {".webmanifest", "application/manifest+json"}}};
  for (const auto& [ending, type] : types)
    if (path.ends_with(ending)) return type;
  return "application/octet-stream";
}

Response file_response(std::string_view path) {
  Response response;
  response.content_type = type_of(path);
  return response;
}

/// For developers: what is in the folder now. The path is matched with what is found, never opened as given.
std::optional<std::string> read_from(const std::string& folder, std::string_view path) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_regular_file(error) || "/" + fs::relative(at->path(), folder, error).generic_string() != path) continue;
    std::ifstream in(at->path(), std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(in), {}};
  }
  return std::nullopt;
}

}  // namespace

Assets::Assets() : embedded_(embedded_assets()) {
  if (const char* folder = std::getenv("TUNE_UI_DIR")) folder_ = folder;
}

std::optional<Response> Assets::file(std::string_view path, const Request& request) const {
  if (!folder_.empty()) {
    auto bytes = read_from(folder_, path);
    if (!bytes) return std::nullopt;
    auto response = file_response(path);
    response.body = Body(std::move(*bytes));
    return response;
  }
  const auto found = std::find_if(embedded_.begin(), embedded_.end(), [&](const Asset& a) { return a.path == path; });
  if (found == embedded_.end()) return std::nullopt;
  auto response = file_response(path);
  response.headers.emplace_back("ETag", found->tag);
  response.cache = path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
  if (request.only("if-none-match") == found->tag)
    response.status = 304;
  else
    response.body = Body::lasting(found->bytes);
  return response;
}

Response Assets::page(const Request& request) const {
  if (auto page = file(kPage, request)) return std::move(*page);
  auto response = file_response(kPage);
  response.body = Body::lasting(kNothing);
  return response;
}

}  // namespace tune
