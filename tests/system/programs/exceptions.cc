// Exceptions through frames and threads, std::thread, futures, thread_local, iostreams.
#include <atomic>
#include <condition_variable>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct Guard {
    std::atomic<int> &count;
    explicit Guard(std::atomic<int> &c) : count(c) { ++count; }
    ~Guard() { --count; }
};

static thread_local int depth_here = 0;
static std::atomic<int> guards{0};

static int dive(int depth)
{
    Guard guard(guards);

    depth_here = depth;
    if (depth == 0)
        throw std::runtime_error("bottom");
    return dive(depth - 1) + 1;
}

static std::string caught()
{
    try {
        dive(100);
    } catch (const std::logic_error &) {
        return "wrong";
    } catch (const std::exception &e) {
        return std::string(e.what()) + " " + std::to_string(guards.load()) + " " +
               std::to_string(depth_here);
    }
    return "none";
}

int main()
{
    std::vector<std::thread> threads;
    std::vector<std::string> results(8);
    std::mutex mutex;
    std::condition_variable changed;
    int turn = 0;

    std::cout << caught() << std::endl;
    for (int i = 0; i < 8; i++)
        threads.emplace_back([&, i] {
            for (int j = 0; j < 200; j++) {
                try {
                    dive(20);
                } catch (const std::exception &) {
                }
            }
            std::unique_lock<std::mutex> lock(mutex);
            changed.wait(lock, [&] { return turn == i; });
            results[i] = "thread " + std::to_string(i);
            turn++;
            changed.notify_all();
        });
    for (auto &t : threads)
        t.join();
    for (const auto &r : results)
        std::cout << r << '\n';
    std::cout << "guards " << guards << '\n';

    auto future = std::async(std::launch::async, [] { return dive(3); });
    try {
        future.get();
    } catch (const std::runtime_error &e) {
        std::cout << "from another thread: " << e.what() << '\n';
    }
    std::vector<int> v(1000);
    std::iota(v.begin(), v.end(), 1);
    std::map<std::string, long> m{{"sum", std::accumulate(v.begin(), v.end(), 0L)}};
    std::ostringstream out;
    out << std::hex << m["sum"];
    std::cout << out.str() << std::endl;
    try {
        std::vector<int>().at(1);
    } catch (const std::out_of_range &) {
        std::cerr << "out of range\n";
    }
    try {
        throw 42;
    } catch (int n) {
        return n;
    }
}
