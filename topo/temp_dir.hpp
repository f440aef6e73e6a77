// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A temporary directory that goes away with its owner: configurations, logs and sockets of a lab's programs.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "bpf/model/error.hpp"

namespace sidestep::topo {

class TempDir {
  public:
    /// Below /tmp whatever TMPDIR says: the path of a Unix socket has at most 107 characters.
    static Result<TempDir> make() {
        std::string path = "/tmp/sidestep-XXXXXX";
        if (::mkdtemp(path.data()) == nullptr) return fail_errno("cannot make a directory in /tmp");
        return TempDir(std::move(path));
    }

    TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TempDir& operator=(TempDir&&) = delete;
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    explicit TempDir(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace sidestep::topo
