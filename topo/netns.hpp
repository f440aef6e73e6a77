// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs code or programs inside an existing network namespace. Its creator deletes it (see reaper.hpp).
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <type_traits>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep::topo {

template <typename T>
struct IsResult : std::false_type {};
template <typename T>
struct IsResult<Result<T>> : std::true_type {};

class NetNs {
  public:
    /// The file in which `ip netns` keeps a namespace of this name.
    static std::string path_of(const std::string& name);
    /// Opens a namespace by its name in `ip netns`, or by its file if `name` has a slash ("/proc/7/ns/net").
    static Result<NetNs> open(const std::string& name);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] int fd() const { return fd_.get(); }

    /// Runs `work` on its own thread inside the namespace and returns its result. A socket opened there stays in the
    /// namespace. If `work` returns a Result, that Result is returned unchanged.
    template <typename Work>
    auto run(Work work) const {
        using Value = std::invoke_result_t<Work&>;
        if constexpr (std::is_void_v<Value>) {
            return enter([&] { work(); });
        } else {
            std::conditional_t<IsResult<Value>::value, Value, Result<Value>> result = fail("not run");
            const auto entered = enter([&] { result = work(); });
            if (!entered) result = std::unexpected(entered.error());
            return result;
        }
    }

  private:
    NetNs(std::string name, Fd fd) : name_(std::move(name)), fd_(std::move(fd)) {}
    [[nodiscard]] Result<void> enter(const std::function<void()>& work) const;

    std::string name_;
    Fd fd_;
};

/// One end of a link: an interface in a namespace.
struct LinkEnd {
    const NetNs* netns = nullptr;
    int ifindex = 0;
};

}  // namespace sidestep::topo
