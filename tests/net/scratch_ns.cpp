// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/scratch_ns.hpp"

#include <atomic>
#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

#include "topo/process.hpp"

namespace sidestep::topo {

Result<ScratchNs> ScratchNs::make(std::size_t count) {
    static std::atomic<int> counter{0};
    const int set = counter.fetch_add(1);
    std::vector<std::string> names;
    std::vector<std::string> paths;
    for (std::size_t number = 0; number < count; ++number) {
        names.push_back(fmt::format("ss{}-bare{}-{}", ::getpid(), set, number));
        paths.push_back(NetNs::path_of(names.back()));
    }
    std::string directory = "/tmp/sidestep-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) return fail_errno("cannot make a directory in /tmp");
    auto reaper = Reaper::start(paths, directory);  // before any namespace exists, so that none can be left behind
    if (!reaper) return std::unexpected(reaper.error());
    ScratchNs result(std::make_unique<Reaper>(std::move(*reaper)));
    for (const auto& name : names) {
        if (auto made = run({"ip", "netns", "add", name}); !made) return std::unexpected(made.error());
        auto netns = NetNs::open(name);
        if (!netns) return std::unexpected(netns.error());
        result.namespaces_.push_back(std::move(*netns));
        (void)result.shell(
            "for i in all default; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done; ip link set lo up",
            result.namespaces_.size() - 1);
    }
    return result;
}

std::string ScratchNs::shell(const std::string& command, std::size_t number) const {
    auto process = Process::spawn({"sh", "-c", command}, {.netns = (*this)[number].fd()});
    if (!process) return process.error().message;
    (void)process->wait(std::chrono::seconds(20));
    return process->output();
}

}  // namespace sidestep::topo
