# libtorch, which fits the networks. Only training/deep compiles against it (its headers cost fourteen seconds a
# translation unit) and only qtrader-train and its tests link it; a trading process never does.
#
# Debian's libtorch-dev by default; another one, as with CUDA: -DCMAKE_PREFIX_PATH=/path/to/libtorch.
set(qt_log_level ${CMAKE_MESSAGE_LOG_LEVEL})
set(CMAKE_MESSAGE_LOG_LEVEL WARNING)
find_package(Torch REQUIRED)
set(CMAKE_MESSAGE_LOG_LEVEL ${qt_log_level})
