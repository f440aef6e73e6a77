// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Asks, shows, waits for a key. It asks for no more sessions and policies than fit on the screen, sorted by the daemon, so that
// four thousand cost no more than forty.
#include "cli/top_command.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/ask.hpp"
#include "cli/cells.hpp"
#include "cli/client.hpp"
#include "cli/drain_commands.hpp"
#include "cli/terminal.hpp"
#include "cli/top_screen.hpp"
#include "common/duration.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using nlohmann::json;

const std::vector<std::string> kOrders{"state", "rtt", "loss", "downs", "name"};  // as the API has them
constexpr double kShortest = 0.5;                                                 // seconds between two looks
constexpr double kLongest = 60;

struct TopOptions {
    double interval_s = 2;
    std::string sort = "state";
    std::string filter;
    bool batch = false;
    unsigned count = 0;  ///< looks; 0: until q or an interrupt
};

class Top {
  public:
    Top(const DaemonOptions& options, const TopOptions& top) : socket_(choose_socket(options)), top_(top) {
        view_.sort = top.sort;
        view_.filter = top.filter;
        view_.interval_s = top.interval_s;
    }

    void run_batch();
    /// Asks once: what is wrong now is said before there is a screen.
    void begin();
    void run(Terminal& terminal);

  private:
    Result<json> ask(const json& request);
    Result<TopSample> sample(const TopRoom& room);
    Result<void> look(const TopRoom& room);
    void note(const Result<void>& looked);
    void command(int key, Terminal& terminal);
    void type(int key);
    void drain(bool off, Terminal& terminal);
    bool confirmed(const std::string& question, Terminal& terminal);
    void show(Terminal& terminal) { terminal.show(render(before_, now_, view_, terminal.width(), terminal.height())); }
    [[nodiscard]] std::size_t shown() const { return member(now_.sessions, "sessions").size(); }
    void select(std::ptrdiff_t by);

    std::string socket_;
    std::optional<Client> client_;  ///< none: to be connected, at first and when the daemon was gone
    TopOptions top_;
    TopView view_;
    std::optional<TopSample> before_;
    TopSample now_;
    Clock::time_point answered_;  ///< the last time
    bool typing_ = false;
    bool done_ = false;
};

Result<json> Top::ask(const json& request) {
    if (!client_) {
        auto client = connect_as_allowed(socket_);
        if (!client) return std::unexpected(client.error());
        client_ = std::move(*client);
    }
    auto answer = client_->ask(request);
    if (!answer) client_.reset();
    return answer;
}

Result<TopSample> Top::sample(const TopRoom& room) {
    TopSample taken;
    const std::array<std::pair<json*, json>, 3> questions{
        {{&taken.status, {{"command", "status"}}},
         {&taken.sessions,
          {{"command", "sessions"}, {"sort", view_.sort}, {"filter", view_.filter}, {"limit", room.sessions}}},
         {&taken.policies, {{"command", "policies"}, {"rerouting", true}, {"limit", room.policies}}}}};
    for (const auto& [into, question] : questions) {
        auto answer = ask(question);
        if (!answer) return std::unexpected(answer.error());
        *into = std::move(*answer);
    }
    taken.at = Clock::now();
    return taken;
}

Result<void> Top::look(const TopRoom& room) {
    auto taken = sample(room);
    if (!taken) return std::unexpected(taken.error());
    if (now_.status.is_object()) before_ = std::move(now_);
    now_ = std::move(*taken);
    view_.selected = std::min(view_.selected, shown() == 0 ? 0 : shown() - 1);
    return {};
}

/// A restart is over in a second, so a live view outlives it.
void Top::note(const Result<void>& looked) {
    if (looked) answered_ = Clock::now();
    const auto silent = std::chrono::floor<std::chrono::seconds>(Clock::now() - answered_);
    view_.outage =
        looked ? ""
               : fmt::format("no answer for {}, trying again: {}", format_duration(silent), looked.error().message);
}

void Top::begin() {
    if (const auto answer = ask({{"command", "status"}}); !answer) give_up(kExitFailure, answer.error().message);
    answered_ = Clock::now();
}

/// Rates need a look before the first one that is printed.
void Top::run_batch() {
    for (unsigned i = 0; top_.count == 0 || i <= top_.count; ++i) {
        if (i > 0) std::this_thread::sleep_for(std::chrono::duration<double>(view_.interval_s));
        if (const auto looked = look(kPrintedRoom); !looked) give_up(kExitFailure, looked.error().message);
        if (i > 0) print(print_out(before_, now_, view_));
    }
}

void Top::select(std::ptrdiff_t by) {
    const auto last = shown() == 0 ? 0 : static_cast<std::ptrdiff_t>(shown()) - 1;
    view_.selected =
        static_cast<std::size_t>(std::clamp(static_cast<std::ptrdiff_t>(view_.selected) + by, std::ptrdiff_t{0}, last));
}

void Top::type(int key) {
    if (key == static_cast<int>(Key::escape)) view_.filter.clear();
    if (key == static_cast<int>(Key::enter) || key == static_cast<int>(Key::escape)) {
        typing_ = false;
        view_.prompt.clear();
        return;
    }
    if (key == static_cast<int>(Key::backspace) && !view_.filter.empty()) view_.filter.pop_back();
    if (key < 128 && std::isgraph(key) != 0) view_.filter += static_cast<char>(key);
    view_.prompt = "show sessions with: " + view_.filter + "_";
}

bool Top::confirmed(const std::string& question, Terminal& terminal) {
    view_.prompt = question + " (y/n)";
    show(terminal);
    const auto key = terminal.key(10s);
    view_.prompt.clear();
    return key == 'y';
}

/// Asks back, then drains or undrains the selected adjacency.
void Top::drain(bool off, Terminal& terminal) {
    if (shown() == 0) return;
    const auto name = cell(member(now_.sessions, "sessions")[view_.selected], "name");
    if (!confirmed(fmt::format("{} {}?", off ? "drain" : "undrain", name), terminal)) return;
    const json request = off ? json{{"command", "drain"}, {"adjacency", name}}
                             : json{{"command", "admin"}, {"session", name}, {"up", true}};
    const auto answer = ask(request);
    if (!answer) {
        view_.message = answer.error().message;
    } else if (off) {
        view_.message = report_drain(*answer);
        std::ranges::replace(view_.message, '\n', ' ');
    } else if (answer->value("changed", false)) {
        view_.message = name + " waits for proof";
    } else {
        view_.message = fmt::format("{} is not drained ({})", name, answer->value("state", "?"));
    }
}

void Top::command(int key, Terminal& terminal) {
    if (typing_) return type(key);
    view_.message.clear();
    const auto page = static_cast<std::ptrdiff_t>(room_of(terminal.height()).sessions);
    if (key == 'q') done_ = true;
    if (key == 's') {
        const auto at = std::ranges::find(kOrders, view_.sort);
        const auto next = at == kOrders.end() ? 0 : static_cast<std::size_t>(at - kOrders.begin()) + 1;
        view_.sort = kOrders.at(next % kOrders.size());
    }
    if (key == '/') {
        typing_ = true;
        view_.filter.clear();
        view_.prompt = "show sessions with: _";
    }
    if (key == 'd' || key == 'u') drain(key == 'd', terminal);
    if (key == '+') view_.interval_s = std::min(kLongest, view_.interval_s * 2);
    if (key == '-') view_.interval_s = std::max(kShortest, view_.interval_s / 2);
    if (key == static_cast<int>(Key::up)) select(-1);
    if (key == static_cast<int>(Key::down)) select(1);
    if (key == static_cast<int>(Key::page_up)) select(-page);
    if (key == static_cast<int>(Key::page_down)) select(page);
}

void Top::run(Terminal& terminal) {
    for (unsigned looks = 0; !done_ && (top_.count == 0 || looks < top_.count); ++looks) {
        note(look(room_of(terminal.height())));
        const auto next = Clock::now() + std::chrono::duration<double>(view_.interval_s);
        bool again = false;
        while (!done_ && !again) {
            show(terminal);
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
            if (left <= 0ms) break;
            const auto key = terminal.key(left);
            if (!key) break;
            command(*key, terminal);
            // What the daemon sorts or cuts off has to be asked for anew; what only this screen shows has not.
            again = *key == 's' || *key == 'd' || *key == 'u' || typing_ || *key == static_cast<int>(Key::enter) ||
                    *key == static_cast<int>(Key::resized) || *key == static_cast<int>(Key::escape);
        }
    }
}

void run_top(const DaemonOptions& options, const TopOptions& top) {
    Top screen(options, top);
    if (top.batch) return screen.run_batch();
    screen.begin();
    auto terminal = Terminal::open();
    if (!terminal) give_up(kExitFailure, "top " + terminal.error().message);
    screen.run(*terminal);
}

}  // namespace

void add_top_command(CLI::App& app, const std::shared_ptr<DaemonOptions>& options) {
    const auto top = std::make_shared<TopOptions>();
    auto* const command = app.add_subcommand("top", "Sessions and rerouting policies, live")->fallthrough();
    command->add_option("--interval,-i", top->interval_s, "Seconds between two looks")
        ->check(CLI::Validator(
            [](const std::string& text) {
                return std::isnan(std::strtod(text.c_str(), nullptr)) ? std::string("must be a number") : std::string();
            },
            ""))
        ->check(CLI::Range(kShortest, kLongest))
        ->capture_default_str();
    command->add_option("--sort", top->sort, "Order of the sessions")
        ->check(CLI::IsMember(kOrders))
        ->capture_default_str();
    command->add_option("--filter", top->filter, "Only sessions with this in their name")->type_name("TEXT");
    command->add_flag("--batch,-b", top->batch, "Print each look instead of drawing it");
    command->add_option("--count,-n", top->count, "End after so many looks; 0: never")->capture_default_str();
    command->callback([=] { run_top(*options, *top); });
}

}  // namespace sidestep
