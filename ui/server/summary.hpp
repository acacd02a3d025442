// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "store/sqlite/reader.hpp"
#include "tuner/json.hpp"
#include "tuner/spec.hpp"
#include "ui/server/site.hpp"

namespace tune {

/// The members of an experiment's summary, as the list of experiments and its own page have them. `spec` may be null: the
/// experiment has no settings yet, or none that can be read.
void write_summary(JsonWriter&, const StoreReader&, const ExperimentRow&, const Spec* spec);
/// "best":{"trial":7,"value":0.1,"params":{}} or null.
void write_best(JsonWriter&, const StoreReader&, std::int64_t experiment, std::optional<TrialId>, std::optional<double> value);
/// {"queued":0,…}
void write_counts(JsonWriter&, const std::array<std::int64_t, 9>& counts);
void write_params(JsonWriter&, const Params&);
/// A cell of a table; absent is null.
void write_cell(JsonWriter&, const Cell&);
/// {"columns":[…],"rows":[[…]]} without the braces.
void write_table(JsonWriter&, const Table&);

/// The best value so far after each result, in at most `most` numbers, the last of them the best of all. Values that are not
/// finite change nothing.
std::vector<double> best_so_far(std::span<const double> values, bool maximize, std::size_t most);

/// Names of environment variables that hold secrets more often than not: API_KEY, GITHUB_TOKEN, db_password.
bool names_a_secret(std::string_view name);
/// The settings with the values of such variables left out.
std::string without_secrets(const std::string& config);

}  // namespace tune
