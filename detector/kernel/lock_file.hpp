// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A file that one process at a time has locked (flock(2)). The kernel releases it when the process ends, however it ends.
// The file tells who has it, or had it last.
#pragma once

#include <optional>
#include <string>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {

/// Who takes a lock.
struct LockHolder {
    std::string node;           ///< empty: a flush
    std::string run_directory;  ///< absolute
    std::string netns;          ///< network namespace as /proc has it: "net:[4026531840]"
    int pid = 0;

    /// This process.
    static LockHolder self(const std::string& node, const std::string& run_directory);
    /// For a message: "node A, pid 7, network namespace net:[4026531840], run directory /run/sidestep".
    [[nodiscard]] std::string to_string() const;
};

class LockFile {
  public:
    /// nullopt: another process has it. Only the owner of a new file may open it.
    static Result<std::optional<LockFile>> take(const std::string& path, const LockHolder& holder);
    /// Who has it, or had it last; nullopt if the file does not say.
    static std::optional<LockHolder> holder_of(const std::string& path);

    LockFile(LockFile&&) noexcept = default;
    LockFile& operator=(LockFile&&) noexcept = default;
    /// Releases it; the file stays.
    ~LockFile() = default;

    /// Removes the file and releases the lock.
    void remove();

  private:
    LockFile(std::string path, Fd file) : path_(std::move(path)), file_(std::move(file)) {}

    std::string path_;
    Fd file_;
};

}  // namespace sidestep
