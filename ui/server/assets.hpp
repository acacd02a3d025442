// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ui/server/exchange.hpp"

namespace tune {

/// One file of the dashboard. The views are valid for as long as the program runs.
struct Asset {
  std::string_view path;  ///< "/index.html", "/assets/index-4f2a.js"
  std::string_view bytes;
  std::string_view tag;   ///< A strong entity tag, quotes included.
};

/// What was built into the program; empty with -DTUNE_UI=OFF, or where ui/web/dist was not there.
std::vector<Asset> embedded_assets();

/// The dashboard's files: those that are built in, or for developers those of the folder that $TUNE_UI_DIR names, read anew
/// for each request. Names are looked up in a list, so no name that a peer sends ever reaches the file system. Any thread.
class Assets {
 public:
  Assets();
  /// A file by its path. Files under /assets/ have names that change with their content and may be kept for ever; a peer that
  /// has a file already is told so (304). nullopt: there is none.
  std::optional<Response> file(std::string_view path, const Request&) const;
  /// The one page, whichever path it is asked for under. Where there is none, a plain page that says how to get it.
  Response page(const Request&) const;

 private:
  std::vector<Asset> embedded_;
  std::string folder_;
};

}  // namespace tune
