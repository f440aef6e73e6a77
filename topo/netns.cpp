// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/netns.hpp"

#include <thread>

#include <fcntl.h>
#include <sched.h>

namespace sidestep::topo {

std::string NetNs::path_of(const std::string& name) {
    return name.find('/') == std::string::npos ? "/run/netns/" + name : name;
}

Result<NetNs> NetNs::open(const std::string& name) {
    Fd fd(::open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail_errno("cannot open network namespace " + name);
    return NetNs(name, std::move(fd));
}

Result<void> NetNs::enter(const std::function<void()>& work) const {
    Result<void> entered;
    std::exception_ptr thrown;
    std::thread([&] {
        if (::setns(fd_.get(), CLONE_NEWNET) != 0) {
            entered = fail_errno("cannot enter network namespace " + name_);
            return;
        }
        try {
            work();
        } catch (...) {
            thrown = std::current_exception();
        }
    }).join();
    if (thrown) std::rethrow_exception(thrown);
    return entered;
}

}  // namespace sidestep::topo
