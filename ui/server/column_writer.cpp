// SPDX-License-Identifier: Apache-2.0
#include "ui/server/column_writer.hpp"

#include <bit>

#include "tuner/json.hpp"
#include "tuner/result.hpp"

namespace tune {

static_assert(std::endian::native == std::endian::little, "columns are written as they lie in memory");

void ColumnWriter::add(std::string_view name, std::span<const double> values, std::span<const std::uint32_t> nan) {
  TUNE_ASSERT(values.size() == rows_);
  column(name, "f64", values.data(), values.size_bytes(), {}, nan);
}
void ColumnWriter::add(std::string_view name, std::span<const std::int32_t> values) {
  TUNE_ASSERT(values.size() == rows_);
  column(name, "i32", values.data(), values.size_bytes(), {}, {});
}
void ColumnWriter::add(std::string_view name, std::span<const std::uint8_t> codes, std::span<const std::string> dictionary) {
  TUNE_ASSERT(codes.size() == rows_);
  column(name, "u8", codes.data(), codes.size_bytes(), dictionary, {});
}
void ColumnWriter::add(std::string_view name, std::span<const std::uint32_t> codes, std::span<const std::string> dictionary) {
  TUNE_ASSERT(codes.size() == rows_);
  column(name, "u32", codes.data(), codes.size_bytes(), dictionary, {});
}

void ColumnWriter::column(std::string_view name, std::string_view type, const void* bytes, std::size_t length,
                          std::span<const std::string> dictionary, std::span<const std::uint32_t> nan) {
  if (!heads_.empty()) heads_ += ',';
  JsonWriter json(heads_);
  json.begin_object().key("name").value(name).key("type").value(type).key("offset").value(static_cast<std::int64_t>(data_.size()));
  if (type[0] == 'u') {
    json.key("dictionary").begin_array();
    for (const auto& text : dictionary) json.value(text);
    json.end_array();
  }
  if (!nan.empty()) {
    json.key("nan").begin_array();
    for (const auto row : nan) json.value(static_cast<std::int64_t>(row));
    json.end_array();
  }
  json.end_object();
  if (length > 0) data_.append(static_cast<const char*>(bytes), length);
  data_.resize((data_.size() + 7) / 8 * 8, '\0');
}

std::string ColumnWriter::finish(Seq seq, bool full) const {
  std::string head;
  JsonWriter(head).begin_object().key("rows").value(static_cast<std::int64_t>(rows_)).key("seq").value(seq).key("full").value(full)
      .key("columns").raw("[" + heads_ + "]").end_object();
  head.resize((12 + head.size() + 7) / 8 * 8 - 12, ' ');
  const auto length = static_cast<std::uint32_t>(head.size());
  std::string out;
  out.reserve(12 + head.size() + data_.size());
  out.append("TUNECOL1").append(reinterpret_cast<const char*>(&length), sizeof length).append(head).append(data_);
  return out;
}

}  // namespace tune
