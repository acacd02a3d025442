// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/sqlite/reader.hpp"

namespace tune {

/// Readers of one store, of which each belongs to one thread at a time. A store that is replaced by another file of the same
/// name is read anew. Any thread.
class Readers {
 public:
  explicit Readers(std::string store) : store_(std::move(store)) {}

  /// A reader for as long as the lease lives; then it waits for the next one.
  class Lease {
   public:
    Lease(Readers& home, std::unique_ptr<StoreReader> reader, std::uint64_t file)
        : home_(&home), reader_(std::move(reader)), file_(file) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (reader_) home_->give_back(std::move(reader_), file_);
    }
    const StoreReader& operator*() const { return *reader_; }
    const StoreReader* operator->() const { return reader_.get(); }

   private:
    Readers* home_;
    std::unique_ptr<StoreReader> reader_;
    std::uint64_t file_;
  };
  /// Errors: those of StoreReader::open.
  Result<Lease> take();

  const std::string& store() const { return store_; }
  /// Tells one file of this name from another: changes when the store was replaced. 0: there is none.
  std::uint64_t file() const;

 private:
  void give_back(std::unique_ptr<StoreReader> reader, std::uint64_t file);

  const std::string store_;
  std::mutex mutex_;
  std::uint64_t file_ = 0;
  std::vector<std::unique_ptr<StoreReader>> idle_;
};

}  // namespace tune
