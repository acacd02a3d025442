// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/where.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "tuner/nearest.hpp"

namespace tune::sqlite {
namespace {

constexpr std::array<std::string_view, 16> kColumns = {
    "number",      "state",    "cause", "attempt", "reports",  "last_step", "until_step", "proposed_at",
    "launched_at", "ended_at", "value", "more",    "feasible", "tags",      "note",       "star"};

bool contains(const auto& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// Text that a comparison takes for NaN, or for a word where a number is wanted, becomes NULL.
std::string number_of(const std::string& column) { return "iif(typeof(" + column + ")='text',NULL," + column + ")"; }

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  Parser(std::string_view text, const Names& names) : text_(text), names_(names) { next(); }

  Result<Sql> parse() {
    sql_.text = disjunction(0);
    if (error_.empty() && kind_ != Kind::end) fail("expected 'and', 'or' or the end");
    if (!error_.empty())
      return Error{Error::Code::invalid,
                   "where: " + error_ + " at byte " + std::to_string(error_at_) + " of \"" + printable(text_) + "\"",
                   hint_.empty() ? "like: loss < 0.1 and (lr > 1e-4 or state == \"failed\")" : hint_};
    return std::move(sql_);
  }

 private:
  enum class Kind { end, name, number, text, op };
  struct Operand {
    enum class Is { name, number, text, truth, nan, null } is = Is::null;
    std::string name;
    std::string word;  // As it was written, without quotes.
    Cell value;
    std::size_t at = 0;
  };
  // SQLite's parser has a stack of 100; a level of ours takes up to six. Its trees have 1000 levels; a chain is a tree.
  static constexpr int kDepth = 12, kComparisons = 200;

  void fail(std::string what, std::string hint = "") {
    if (!error_.empty()) return;
    error_ = std::move(what), hint_ = std::move(hint), error_at_ = begin_;
    kind_ = Kind::end;
  }

  // --- tokens: kind_ and word_ hold the next one ---
  void next() {
    if (!error_.empty()) return;
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
    begin_ = at_;
    word_.clear();
    if (at_ == text_.size()) return void(kind_ = Kind::end);
    const char c = text_[at_];
    if (is_name_start(c)) {
      while (at_ < text_.size() && (is_name_start(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '.'))
        word_ += text_[at_++];
      kind_ = Kind::name;
    } else if (c == '`' || c == '"' || c == '\'') {
      const auto end = text_.find(c, at_ + 1);
      if (end == std::string_view::npos) return fail("this text has no end");
      word_ = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      kind_ = c == '`' ? Kind::name : Kind::text;
      quoted_ = true;
      return;
    } else if (is_digit(c) || ((c == '-' || c == '.') && at_ + 1 < text_.size() &&
                               (is_digit(text_[at_ + 1]) || text_[at_ + 1] == '.'))) {
      const auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number_);
      if (code != std::errc{}) return fail("this number cannot be read");
      at_ = static_cast<std::size_t>(end - text_.data());
      kind_ = Kind::number;
    } else {
      static constexpr std::array<std::string_view, 14> ops = {"<=", ">=", "==", "!=", "<>", "&&", "||",
                                                               "<",  ">",  "=",  "~",  "(",  ")",  "!"};
      const auto op = std::find_if(ops.begin(), ops.end(), [&](auto o) { return text_.substr(at_).starts_with(o); });
      if (op == ops.end()) return fail("this character has no meaning here");
      word_ = *op, at_ += op->size(), kind_ = Kind::op;
    }
    quoted_ = false;
  }
  bool is(std::string_view word) const {
    return !quoted_ && (kind_ == Kind::op || kind_ == Kind::name) && word_ == word;
  }
  bool accept(std::string_view word) { return is(word) ? (next(), true) : false; }

  // --- grammar ---
  std::string disjunction(int depth) {
    std::string all = conjunction(depth);
    bool several = false;
    while (accept("or") || accept("||")) all += " OR " + conjunction(depth), several = true;
    return several ? "(" + all + ")" : all;
  }
  std::string conjunction(int depth) {
    std::string all = negation(depth);
    bool several = false;
    while (accept("and") || accept("&&")) all += " AND " + negation(depth), several = true;
    return several ? "(" + all + ")" : all;
  }
  std::string negation(int depth) {
    if (depth > kDepth) return fail("nested too deeply"), "";
    if (accept("not") || accept("!")) return "(NOT " + negation(depth + 1) + ")";
    if (accept("(")) {
      std::string inner = disjunction(depth + 1);
      if (!accept(")")) fail("expected ')'");
      return inner;
    }
    return comparison();
  }

  std::string comparison() {
    if (++comparisons_ > kComparisons) return fail("more than 200 conditions"), "";
    Operand left = operand();
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> ops = {
        {{"<", "<"}, {"<=", "<="}, {">", ">"}, {">=", ">="}, {"=", "="}, {"==", "="}, {"!=", "<>"}, {"<>", "<>"}, {"~", "~"}}};
    for (const auto& [written, op] : ops)
      if (kind_ == Kind::op && word_ == written) {
        next();
        Operand right = operand();
        if (is_tag(left)) return tagged(op, right);
        if (op == "~") return contains_text(left, right);
        return is_tag(right) ? tagged(op, left) : compare(std::move(left), op, std::move(right));
      }
    if (left.is != Operand::Is::name) return fail("expected a comparison"), "";
    if (is_tag(left)) return "(t.tags<>'[]')";
    return "(" + column(left, true) + "<>0)";
  }

  static bool is_tag(const Operand& o) { return o.is == Operand::Is::name && (o.name == "tag" || o.name == "tags"); }

  /// Tags are a set: that of a trial without any is empty, and not absent.
  std::string tagged(std::string_view op, const Operand& right) {
    if (!error_.empty()) return "";
    if (op != "=" && op != "<>" && op != "~") return fail("tags are compared with =, != and ~"), "";
    if (right.is == Operand::Is::null && op != "~") return std::string("(t.tags") + (op == "=" ? "=" : "<>") + "'[]')";
    const auto word = sql_.bind(op == "~" ? lower(right.word) : right.word);
    return std::string(op == "<>" ? "(NOT " : "(") + "EXISTS(SELECT 1 FROM json_each(t.tags) j WHERE " +
           (op == "~" ? "instr(lower(j.value)," + word + ")>0" : "j.value=" + word) + "))";
  }

  std::string contains_text(const Operand& left, const Operand& right) {
    if (!error_.empty()) return "";
    if (left.is != Operand::Is::name) return fail("`~` looks for a text in what its left side names", "note ~ slow"), "";
    const auto type = column(left, false), value = column(left, false);
    return "(iif(typeof(" + type + ")='text',instr(lower(" + value + ")," + sql_.bind(lower(right.word)) + ")>0,NULL))";
  }
  /// As SQLite's lower().
  static std::string lower(std::string text) {
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
  }

  std::string compare(Operand left, std::string_view op, Operand right) {
    using Is = Operand::Is;
    if (left.is != Is::name && right.is == Is::name) {
      std::swap(left, right);
      if (op[0] == '<' && op != "<>")
        op = op == "<" ? ">" : ">=";
      else if (op[0] == '>')
        op = op == ">" ? "<" : "<=";
    }
    const bool equality = op == "=" || op == "<>";
    if (!equality && (right.is == Is::nan || right.is == Is::null || right.is == Is::truth))
      return fail("nan, null, true and false can only be compared with == and !="), "";
    const bool numeric = right.is == Is::number || right.is == Is::truth || (right.is == Is::name && !equality);
    if (right.is == Is::null) return "(" + column(left, false) + (op == "=" ? " IS NULL)" : " IS NOT NULL)");
    return "(" + column(left, numeric) + std::string{op} + column(right, numeric) + ")";
  }

  Operand operand() {
    Operand o;
    o.at = begin_;
    o.word = kind_ == Kind::number ? std::string(text_.substr(begin_, at_ - begin_)) : word_;
    if (kind_ == Kind::number)
      o.is = Operand::Is::number, o.value = number_;
    else if (kind_ == Kind::text)
      o.is = Operand::Is::text, o.value = word_;
    else if (is("true") || is("false"))
      o.is = Operand::Is::truth, o.value = std::int64_t{word_ == "true"};
    else if (is("nan"))
      o.is = Operand::Is::nan, o.value = std::string{"nan"};
    else if (is("null"))
      o.is = Operand::Is::null;
    else if (kind_ == Kind::name && !is("and") && !is("or") && !is("not"))
      o.is = Operand::Is::name, o.name = word_;
    else
      return fail("expected a name or a value"), o;
    next();
    return o;
  }

  std::string column(const Operand& o, bool numeric) {
    if (!error_.empty()) return "";
    if (o.is != Operand::Is::name) return sql_.bind(o.value);
    auto sql = names_.sql(o.name, sql_, numeric);
    if (sql) return *sql;
    begin_ = o.at;
    fail(sql.error().message, sql.error().hint);
    return "";
  }

  std::string_view text_;
  const Names& names_;
  Sql sql_;
  std::size_t at_ = 0, begin_ = 0, error_at_ = 0;
  Kind kind_ = Kind::end;
  bool quoted_ = false;
  std::string word_, error_, hint_;
  double number_ = 0;
  int comparisons_ = 0;
};

}  // namespace

void bind_all(Statement& s, const std::vector<Cell>& values) {
  for (std::size_t i = 0; i < values.size(); ++i)
    std::visit(overloaded{[&](std::monostate) { s.bind(static_cast<int>(i) + 1, std::nullopt); },
                          [&](const std::string& text) { s.bind(static_cast<int>(i) + 1, std::string_view{text}); },
                          [&](auto number) { s.bind(static_cast<int>(i) + 1, number); }},
               values[i]);
}

std::vector<std::string> param_names(const Database& db, std::int64_t experiment) {
  // The settings name them all; looking through a million rows of parameters is for stores without settings.
  std::vector<std::string> configured;
  auto settings = db.prepare("SELECT j.key FROM experiments e, json_each(e.config, '$.params') j WHERE e.id=?1 ORDER BY j.key");
  for (settings.bind(1, experiment); settings.step();) configured.emplace_back(settings.text(0));
  if (!configured.empty()) return configured;
  auto rows = db.prepare("SELECT DISTINCT name FROM params WHERE trial BETWEEN ?1 AND ?2 ORDER BY name");
  rows.bind(1, key_of(experiment, 0)).bind(2, key_of(experiment, kNumberMask));
  std::vector<std::string> names;
  while (rows.step()) names.emplace_back(rows.text(0));
  return names;
}

Names::Names(const Database& db, std::int64_t experiment, std::string objective)
    : params_(param_names(db, experiment)), objective_(std::move(objective)) {
  // Of the whole store: a metric that only other experiments have is absent everywhere here.
  auto rows = db.prepare("SELECT DISTINCT name FROM metrics ORDER BY name");
  while (rows.step()) metrics_.emplace_back(rows.text(0));
}

Result<std::string> Names::sql(std::string_view name, Sql& into, bool numeric) const {
  const auto param = [&](std::string_view p) {
    const std::string value = numeric ? number_of("p.value") : "p.value";
    return "(SELECT " + value + " FROM params p WHERE p.trial=t.id AND p.name=" + into.bind(std::string{p}) + ")";
  };
  const auto metric = [&](std::string_view m) {
    const std::string value = numeric ? number_of("c.value") : "c.value";
    return "(SELECT " + value + " FROM curves c WHERE c.trial=t.id AND c.metric=" + into.bind(std::string{m}) +
           " ORDER BY c.attempt DESC, c.n DESC LIMIT 1)";
  };
  if (contains(kColumns, name)) {
    const std::string column = name == "note" ? "nullif(t.note,'')" : "t." + std::string{name};
    return numeric ? number_of(column) : column;
  }
  if (contains(params_, name)) return param(name);
  if (!objective_.empty() && name == objective_) return numeric ? number_of("t.value") : std::string{"t.value"};
  if (contains(metrics_, name)) return metric(name);
  if (name.starts_with("params.") && contains(params_, name.substr(7))) return param(name.substr(7));
  if (name.starts_with("metrics.") && contains(metrics_, name.substr(8))) return metric(name.substr(8));
  std::vector<std::string> known(kColumns.begin(), kColumns.end());
  known.insert(known.end(), params_.begin(), params_.end());
  known.insert(known.end(), metrics_.begin(), metrics_.end());
  const auto near = nearest(name, known);
  return Error{Error::Code::invalid, "\"" + printable(name) + "\" is no column, parameter or metric of this experiment",
               near.empty() ? "a word to compare with is written in quotes" : "did you mean " + printable(near) + "?"};
}

Result<Sql> compile_where(std::string_view text, const Names& names) { return Parser(text, names).parse(); }

}  // namespace tune::sqlite
