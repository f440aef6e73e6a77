// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A process is followed by its pidfd (pidfd_open(2)), so that no signal handler and no other child is involved.
#include "detector/app/hook_runner.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <deque>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "common/error.hpp"
#include "common/fd.hpp"

namespace sidestep {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

/// Signals as a new program expects them, and a process group of its own, so that all of it can be killed.
class SpawnAttributes {
  public:
    SpawnAttributes() {
        sigset_t all;
        sigset_t none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setpgroup(&attributes_, 0);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
    [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

/// A pipe that holds all of `text`, which must fit into it (64 KiB).
Result<Fd> pipe_with(const std::string& text) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail_errno("pipe");
    Fd read(ends[0]);
    const Fd write(ends[1]);
    if (::write(write.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return fail_errno("cannot hand over the event");
    ::fcntl(read.get(), F_SETFL, 0);  // programs expect that reading waits
    return read;
}

Result<pid_t> spawn(const std::vector<std::string>& program, const std::string& node, const Fd& input) {
    std::vector<char*> argv;
    for (const auto& argument : program) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    auto name = "SIDESTEP_NODE=" + node;
    std::array<char*, 3> environment{path.data(), name.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);  // whatever we were started with
    const SpawnAttributes attributes;
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, argv[0], &actions, attributes.get(), argv.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return fail_errno("cannot run " + program[0], error);
    return pid;
}

/// How a process ended, if not well.
std::string failure_of(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED)
        return info.si_status == 0 ? "" : fmt::format("ended with exit code {}", info.si_status);
    return fmt::format("was ended by signal {}", info.si_status);
}

}  // namespace

/// What waits in the loop may find it gone: another configuration has other hooks.
class HookRunner::Hook : public std::enable_shared_from_this<HookRunner::Hook> {
  public:
    Hook(asio::io_context& context, HookConfig config, std::string node)
        : config_(std::move(config)), node_(std::move(node)), process_(context), timer_(context) {}
    Hook(const Hook&) = delete;
    Hook& operator=(const Hook&) = delete;
    ~Hook() {
        if (!waiting_.empty())
            spdlog::warn("hook {}: {} events still waited for it: they are not delivered", config_.run[0],
                         waiting_.size());
        if (pid_ == 0) return;
        kill();
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
    }

    [[nodiscard]] const HookConfig& config() const { return config_; }

    void offer(const json& event) {
        if (!config_.session.empty() && event.value("session", "") != config_.session) return;
        const auto state = event.value("state", "");
        if (std::ranges::none_of(config_.on, [&](auto wanted) { return to_string(wanted) == state; })) return;
        if (waiting_.size() >= kMostWaiting) {
            if (dropped_++ == 0)
                spdlog::warn("hook {}: {} events wait for it already; further ones are dropped", config_.run[0],
                             kMostWaiting);
            return;
        }
        auto told = event;
        told["node"] = node_;
        waiting_.push_back(told.dump(-1, ' ', false, json::error_handler_t::replace) + '\n');
        if (pid_ == 0) start_next();
    }

  private:
    void start_next() {
        while (!waiting_.empty() && pid_ == 0) {
            const auto text = std::move(waiting_.front());
            waiting_.pop_front();
            if (auto started = start(text); !started)
                spdlog::error("hook {}: {}", config_.run[0], started.error().message);
        }
        if (waiting_.empty() && dropped_ != 0)
            spdlog::warn("hook {}: it missed {} events", config_.run[0], std::exchange(dropped_, 0));
    }

    Result<void> start(const std::string& text) {
        const auto input = pipe_with(text);
        if (!input) return std::unexpected(input.error());
        const auto pid = spawn(config_.run, node_, *input);
        if (!pid) return std::unexpected(pid.error());
        pid_ = *pid;
        const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));  // glibc 2.36 declares it for C only
        if (fd < 0) {
            kill();
            reap();
            return fail_errno("pidfd_open");
        }
        process_.assign(fd);
        process_.async_wait(asio::posix::stream_descriptor::wait_read, [weak = weak_from_this()](const auto& error) {
            if (const auto self = weak.lock(); self && !error) self->ended();
        });
        timer_.expires_after(config_.timeout);
        timer_.async_wait([weak = weak_from_this()](const auto& error) {
            if (const auto self = weak.lock(); self && !error) self->overdue();
        });
        return {};
    }

    void overdue() {
        if (pid_ == 0) return;
        spdlog::warn("hook {}: not done after {}: killed", config_.run[0], format_duration(config_.timeout));
        killed_ = true;
        kill();
    }

    void kill() const {
        if (::kill(-pid_, SIGKILL) != 0) ::kill(pid_, SIGKILL);
    }

    siginfo_t reap() {
        siginfo_t info{};
        ::waitid(P_PID, static_cast<id_t>(std::exchange(pid_, 0)), &info, WEXITED);
        return info;
    }

    void ended() {
        timer_.cancel();
        boost::system::error_code ignored;
        process_.close(ignored);
        const auto failure = failure_of(reap());
        if (!failure.empty() && !std::exchange(killed_, false)) spdlog::warn("hook {}: {}", config_.run[0], failure);
        start_next();
    }

    HookConfig config_;
    std::string node_;
    asio::posix::stream_descriptor process_;
    asio::steady_timer timer_;
    std::deque<std::string> waiting_;
    std::size_t dropped_ = 0;
    pid_t pid_ = 0;  ///< 0: none runs
    bool killed_ = false;
};

HookRunner::HookRunner(asio::io_context& context, std::string node) : context_(context), node_(std::move(node)) {}

HookRunner::~HookRunner() = default;

void HookRunner::set(const std::vector<HookConfig>& hooks) {
    auto before = std::move(hooks_);
    hooks_.clear();
    for (const auto& config : hooks) {
        const auto same =
            std::ranges::find_if(before, [&](const auto& hook) { return hook && hook->config() == config; });
        hooks_.push_back(same != before.end() ? std::move(*same) : std::make_shared<Hook>(context_, config, node_));
    }
}

void HookRunner::on_event(const json& event) {
    for (const auto& hook : hooks_) hook->offer(event);
}

}  // namespace sidestep
