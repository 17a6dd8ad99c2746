// A full trading cycle through ccxt's binanceusdm, REST and WebSocket. Usage: node ccxt.mjs http://127.0.0.1:PORT
import assert from 'node:assert/strict';
import ccxt from 'ccxt';
import { Calls, sleep, until } from './calls.mjs';

const base = process.argv[2];
const symbol = 'BTC/USDT:USDT';

// The client is told other addresses and to leave the spot wallet's host alone; nothing else. Also docs/exchange.md.
function configuration(http) {
  const ws = http.replace(/^http/, 'ws');
  const fapi = { Public: 'v1', PublicV2: 'v2', PublicV3: 'v3', Private: 'v1', PrivateV2: 'v2', PrivateV3: 'v3' };
  const api = { fapiData: `${http}/futures/data`, ws: { future: `${ws}/ws`, 'ws-api': { future: `${ws}/ws-fapi/v1` } } };
  for (const [key, version] of Object.entries(fapi)) api[`fapi${key}`] = `${http}/fapi/${version}`;
  return {
    apiKey: 'demo',
    secret: 'demo',
    enableRateLimit: false,
    urls: { api },
    options: { defaultType: 'swap', fetchMarkets: { types: ['linear'] }, fetchCurrencies: false, fetchMargins: false },
  };
}

const exchange = new ccxt.pro.binanceusdm(configuration(base));
await exchange.loadHttpProxyAgent(); // ccxt wants this before its first ws:// (not wss://) address, proxy or not

const calls = new Calls();
const number = (x) => assert.ok(Number.isFinite(x), `expected a number, got ${x}`);
const positive = (x) => assert.ok(x > 0, `expected a positive number, got ${x}`);
const isList = (x) => assert.ok(Array.isArray(x), `expected a list, got ${typeof x}`);

await calls.run('fetchTime', () => exchange.fetchTime(), positive);
await calls.run('loadTimeDifference', () => exchange.loadTimeDifference(), number);
await calls.run('loadMarkets', () => exchange.loadMarkets(), (m) => {
  const market = m[symbol];
  assert.ok(market.swap && market.linear && market.active);
  assert.equal(market.contractSize, 1);
  positive(market.precision.price);
  positive(market.limits.cost.min);
});
const amountFor = (usd, price) => Number(exchange.amountToPrecision(symbol, usd / price));

// Market data.
const ticker = await calls.run('fetchTicker', () => exchange.fetchTicker(symbol), (t) => positive(t.last));
await calls.run('fetchTickers', () => exchange.fetchTickers([symbol]), (t) => positive(t[symbol].last));
await calls.run('fetchBidsAsks', () => exchange.fetchBidsAsks([symbol]), (t) => assert.ok(t[symbol].bid < t[symbol].ask));
await calls.run('fetchLastPrices', () => exchange.fetchLastPrices([symbol]), (t) => positive(t[symbol].price));
await calls.run('fetchMarkPrice', () => exchange.fetchMarkPrice(symbol), (t) => positive(t.markPrice));
await calls.run('fetchMarkPrices', () => exchange.fetchMarkPrices([symbol]), (t) => positive(t[symbol].markPrice));
await calls.run('fetchOHLCV', () => exchange.fetchOHLCV(symbol, '1m', undefined, 20), (rows) => {
  assert.ok(rows.length > 1);
  for (const [, o, h, l, c] of rows) assert.ok(l <= Math.min(o, c) && Math.max(o, c) <= h);
  for (let i = 1; i < rows.length; i++) assert.equal(rows[i][0] - rows[i - 1][0], 60_000);
});
await calls.run('fetchMarkOHLCV', () => exchange.fetchMarkOHLCV(symbol, '1m', undefined, 5), (rows) => assert.ok(rows.length > 0));
await calls.run('fetchIndexOHLCV', () => exchange.fetchIndexOHLCV(symbol, '1m', undefined, 5), (rows) => assert.ok(rows.length > 0));
await calls.run('fetchPremiumIndexOHLCV', () => exchange.fetchPremiumIndexOHLCV(symbol, '1m', undefined, 5), (rows) => assert.ok(rows.length > 0));
await calls.run('fetchOrderBook', () => exchange.fetchOrderBook(symbol, 20), (book) => {
  assert.ok(book.bids.length > 0 && book.asks.length > 0);
  assert.ok(book.bids[0][0] < book.asks[0][0]);
  for (let i = 1; i < book.bids.length; i++) assert.ok(book.bids[i][0] < book.bids[i - 1][0]);
});
await calls.run('fetchTrades', () => exchange.fetchTrades(symbol, undefined, 10), (trades) => positive(trades[0].price));
await calls.run('fetchL2OrderBook', () => exchange.fetchL2OrderBook(symbol, 5), (book) => assert.ok(book.bids[0][0] < book.asks[0][0]));
await calls.run('fetchFundingRate', () => exchange.fetchFundingRate(symbol), (f) => number(f.fundingRate));
await calls.run('fetchFundingRates', () => exchange.fetchFundingRates([symbol]), (f) => number(f[symbol].fundingRate));
await calls.run('fetchFundingRateHistory', () => exchange.fetchFundingRateHistory(symbol, undefined, 10), isList);
await calls.run('fetchFundingIntervals', () => exchange.fetchFundingIntervals([symbol]), (f) => assert.ok(f));
await calls.run('fetchOpenInterest', () => exchange.fetchOpenInterest(symbol), (o) => number(o.openInterestAmount));
await calls.run('fetchOpenInterestHistory', () => exchange.fetchOpenInterestHistory(symbol, '5m'), isList);
await calls.run('fetchLongShortRatioHistory', () => exchange.fetchLongShortRatioHistory(symbol, '5m'), isList);
await calls.run('fetchADLRank', () => exchange.fetchADLRank(symbol), (r) => assert.equal(r.symbol, symbol));

// Account and settings.
await calls.run('fetchBalance', () => exchange.fetchBalance(), (b) => assert.equal(b.USDT.total, 10_000));
await calls.run('fetchPositionMode', () => exchange.fetchPositionMode(symbol), (m) => assert.equal(m.hedged, false));
await calls.run('setMarginMode isolated', () => exchange.setMarginMode('isolated', symbol));
await calls.run('fetchMarginMode', () => exchange.fetchMarginMode(symbol), (m) => assert.equal(m.marginMode, 'isolated'));
await calls.run('fetchMarginModes', () => exchange.fetchMarginModes([symbol]), (m) => assert.equal(m[symbol].marginMode, 'isolated'));
await calls.run('setMarginMode cross', () => exchange.setMarginMode('cross', symbol));
await calls.run('setLeverage', () => exchange.setLeverage(5, symbol), (l) => assert.equal(Number(l.leverage), 5));
await calls.run('fetchLeverage', () => exchange.fetchLeverage(symbol), (l) => assert.equal(l.longLeverage, 5));
await calls.run('fetchLeverages', () => exchange.fetchLeverages([symbol]), (l) => assert.equal(l[symbol].longLeverage, 5));
await calls.run('fetchLeverageTiers', () => exchange.fetchLeverageTiers([symbol]), (t) => assert.ok(t[symbol].length > 1));
await calls.run('fetchTradingFee', () => exchange.fetchTradingFee(symbol), (f) => positive(f.taker));
await calls.run('fetchTradingFees', () => exchange.fetchTradingFees(), (f) => positive(f[symbol].taker));

// Streams that must see what follows.
const seen = { orders: [], mine: [], balance: 0, positions: 0 };
const copies = (orders) => orders.map((o) => ({ ...o })); // ccxt goes on changing the objects it returned
let watching = true;
const watch = async (name, next) => {
  while (watching) {
    try {
      await next();
    } catch (error) {
      if (watching) console.log(`${name}: ${error.message}`);
      return;
    }
  }
};
const watchers = [
  watch('watchOrders', async () => seen.orders.push(...copies(await exchange.watchOrders(symbol)))),
  watch('watchMyTrades', async () => seen.mine.push(...copies(await exchange.watchMyTrades(symbol)))),
  watch('watchBalance', async () => { await exchange.watchBalance(); seen.balance += 1; }),
  watch('watchPositions', async () => { await exchange.watchPositions([symbol]); seen.positions += 1; }),
];
await calls.run('watchTrades', () => exchange.watchTrades(symbol), (t) => positive(t[0].price));
await calls.run('watchOrderBook', () => exchange.watchOrderBook(symbol), (b) => assert.ok(b.bids[0][0] < b.asks[0][0]));
await calls.run('watchTicker', () => exchange.watchTicker(symbol), (t) => positive(t.last));
await calls.run('watchBidsAsks', () => exchange.watchBidsAsks([symbol]), (t) => assert.ok(t[symbol].bid < t[symbol].ask));
await calls.run('watchOHLCV', () => exchange.watchOHLCV(symbol, '1m'), (rows) => assert.ok(rows.length > 0));
await calls.run('watchMarkPrice', () => exchange.watchMarkPrice(symbol), (t) => positive(t.markPrice));
const both = [symbol, 'ETH/USDT:USDT'];
const candles = both.map((s) => [s, '1m']);
await calls.run('watchTradesForSymbols', () => exchange.watchTradesForSymbols(both), (t) => positive(t[0].price));
await calls.run('watchOrderBookForSymbols', () => exchange.watchOrderBookForSymbols(both), (b) => assert.ok(b.bids[0][0] < b.asks[0][0]));
await calls.run('watchOHLCVForSymbols', () => exchange.watchOHLCVForSymbols(candles), (c) => assert.ok(Object.keys(c).length > 0));
await calls.run('watchTickers', () => exchange.watchTickers([symbol]), (t) => positive(t[symbol].last));
await calls.run('watchTickers of all', () => exchange.watchTickers(), (t) => assert.ok(Object.keys(t).length > 0));
await calls.run('watchMarkPrices', () => exchange.watchMarkPrices(), (t) => positive(t[symbol].markPrice));
for (const [name, ...of] of [
  ['unWatchTrades', symbol],
  ['unWatchOrderBook', symbol],
  ['unWatchTicker', symbol],
  ['unWatchBidsAsks', [symbol]],
  ['unWatchOHLCV', symbol, '1m'],
  ['unWatchMarkPrice', symbol],
  ['unWatchTradesForSymbols', both],
  ['unWatchOrderBookForSymbols', both],
  ['unWatchOHLCVForSymbols', candles],
  ['unWatchTickers', [symbol]],
])
  await calls.run(name, () => exchange[name](...of), (done) => assert.equal(done, true));
const isOpen = (c) => c.url.includes('/private/') && c.connection?.readyState === 1;
await calls.run('the user stream is open', () => until(() => Object.values(exchange.clients).some(isOpen)));

// Orders.
const last = ticker.last;
const amount = amountFor(300, last);
const low = Number(exchange.priceToPrecision(symbol, last * 0.97));
const limit = await calls.run('createOrder limit', () => exchange.createOrder(symbol, 'limit', 'buy', amount, low), (o) => assert.equal(o.status, 'open'));
await calls.run('fetchOrder', () => exchange.fetchOrder(limit.id, symbol), (o) => assert.equal(o.price, low));
await calls.run('fetchOpenOrder', () => exchange.fetchOpenOrder(limit.id, symbol), (o) => assert.equal(o.id, limit.id));
await calls.run('fetchOpenOrders', () => exchange.fetchOpenOrders(symbol), (o) => assert.deepEqual(o.map((x) => x.id), [limit.id]));
const lower = Number(exchange.priceToPrecision(symbol, last * 0.96));
await calls.run('editOrder', () => exchange.editOrder(limit.id, symbol, 'limit', 'buy', amount, lower), (o) => assert.equal(o.price, lower));
await calls.run('cancelOrder', () => exchange.cancelOrder(limit.id, symbol), (o) => assert.equal(o.status, 'canceled'));
await calls.refused('cancelOrder again is refused', () => exchange.cancelOrder(limit.id, symbol), /-2011/);
await calls.run('createPostOnlyOrder', () => exchange.createPostOnlyOrder(symbol, 'limit', 'buy', amount, low), (o) => assert.equal(o.postOnly, true));
await calls.refused('a post-only order that would take is refused', () => exchange.createPostOnlyOrder(symbol, 'limit', 'buy', amount, Number(exchange.priceToPrecision(symbol, last * 1.02))), /-5022|Post Only/);
await calls.run('cancelAllOrders', () => exchange.cancelAllOrders(symbol));
await calls.refused('an order below the minimum notional is refused', () => exchange.createOrder(symbol, 'limit', 'buy', amountFor(120, last) / 100 || 0.001, Number(exchange.priceToPrecision(symbol, last * 0.951))), /-4164|-4005|minimum/i);

const bought = await calls.run('createOrder market', () => exchange.createOrder(symbol, 'market', 'buy', amount));
await calls.run('fetchOrder of the market order', () => exchange.fetchOrder(bought.id, symbol), (o) => {
  assert.equal(o.status, 'closed');
  assert.equal(o.filled, amount);
  positive(o.average);
});
await calls.run('fetchPositions', () => exchange.fetchPositions([symbol]), (p) => {
  assert.equal(p.length, 1);
  assert.equal(p[0].side, 'long');
  assert.equal(p[0].contracts, amount);
});
await calls.run('fetchPositionsRisk', () => exchange.fetchPositionsRisk([symbol]), (p) => assert.equal(p[0].contracts, amount));
await calls.run('fetchPositionsADLRank', () => exchange.fetchPositionsADLRank([symbol]), (p) => assert.equal(p.length, 1));
await calls.run('fetchPositionADLRank', () => exchange.fetchPositionADLRank(symbol), (p) => assert.ok(p));

// Conditional orders.
const stopPrice = Number(exchange.priceToPrecision(symbol, last * 0.95));
const targetPrice = Number(exchange.priceToPrecision(symbol, last * 1.04));
const stop = await calls.run('createOrder stop market', () => exchange.createOrder(symbol, 'STOP_MARKET', 'sell', amount, undefined, { triggerPrice: stopPrice, reduceOnly: true }), (o) => assert.equal(o.status, 'open'));
const target = await calls.run('createOrder take profit', () => exchange.createOrder(symbol, 'TAKE_PROFIT_MARKET', 'sell', amount, undefined, { triggerPrice: targetPrice, reduceOnly: true }));
await calls.run('createOrder stop limit', () => exchange.createOrder(symbol, 'STOP', 'sell', amount, stopPrice, { triggerPrice: stopPrice, reduceOnly: true }));
await calls.run('createTrailingPercentOrder', () => exchange.createTrailingPercentOrder(symbol, 'market', 'sell', amount, undefined, 2, undefined, { reduceOnly: true }));
await calls.run('fetchOpenOrders conditional', () => exchange.fetchOpenOrders(symbol, undefined, undefined, { trigger: true }), (o) => assert.equal(o.length, 4));
await calls.run('fetchOpenOrder conditional', () => exchange.fetchOrder(stop.id, symbol, { trigger: true }), (o) => assert.equal(o.triggerPrice, stopPrice));
await calls.run('cancelOrder conditional', () => exchange.cancelOrder(target.id, symbol, { trigger: true }));
await calls.run('cancelAllOrders conditional', () => exchange.cancelAllOrders(symbol, { trigger: true }));
await calls.run('fetchOrders conditional', () => exchange.fetchOrders(symbol, undefined, undefined, { trigger: true }), (o) => assert.ok(o.length >= 4));
const reducing = { reduceOnly: true };
for (const [name, trigger] of [['createStopLossOrder', stopPrice], ['createTakeProfitOrder', targetPrice], ['createTriggerOrder', stopPrice]])
  await calls.run(name, () => exchange[name](symbol, 'market', 'sell', amount, undefined, trigger, reducing), (o) => assert.equal(o.triggerPrice, trigger));
await calls.run('createStopLimitOrder', () => exchange.createStopLimitOrder(symbol, 'sell', amount, stopPrice, stopPrice, reducing), (o) => assert.equal(o.price, stopPrice));
await calls.run('createStopMarketOrder', () => exchange.createStopMarketOrder(symbol, 'sell', amount, stopPrice, reducing), (o) => assert.equal(o.triggerPrice, stopPrice));
await calls.run('fetchOpenOrders of five conditional', () => exchange.fetchOpenOrders(symbol, undefined, undefined, { trigger: true }), (o) => assert.equal(o.length, 5));
await calls.run('cancelAllOrders of five conditional', () => exchange.cancelAllOrders(symbol, { trigger: true }));
await calls.run('fetchOpenOrders of none', () => exchange.fetchOpenOrders(symbol, undefined, undefined, { trigger: true }), (o) => assert.equal(o.length, 0));

// Batch, isolated margin, the way out.
await calls.run('createOrders', () => exchange.createOrders([
  { symbol, type: 'limit', side: 'buy', amount, price: low },
  { symbol, type: 'limit', side: 'buy', amount, price: lower },
]), (o) => assert.equal(o.length, 2));
const open = await calls.run('fetchOpenOrders batch', () => exchange.fetchOpenOrders(symbol), (o) => assert.equal(o.length, 2));
await calls.run('editOrders', () => exchange.editOrders(open.map((o) => ({ id: o.id, symbol, type: 'limit', side: 'buy', amount, price: stopPrice }))), (o) => o.forEach((x) => assert.equal(x.price, stopPrice)));
await calls.run('cancelOrders', () => exchange.cancelOrders(open.map((o) => o.id), symbol), (o) => assert.equal(o.length, 2));
await calls.run('createReduceOnlyOrder closes', () => exchange.createReduceOnlyOrder(symbol, 'market', 'sell', amount));
await calls.run('fetchPositions after the close', () => exchange.fetchPositions([symbol]), (p) => assert.equal(p.filter((x) => x.contracts > 0).length, 0));
await calls.refused('reduce-only without a position is refused', () => exchange.createReduceOnlyOrder(symbol, 'market', 'sell', amount), /-2022/);
await calls.run('setMarginMode isolated for margin', () => exchange.setMarginMode('isolated', symbol));
await calls.run('createOrder isolated', () => exchange.createOrder(symbol, 'market', 'buy', amount));
await calls.run('addMargin', () => exchange.addMargin(symbol, 10), (m) => assert.equal(m.amount, 10));
await calls.run('reduceMargin', () => exchange.reduceMargin(symbol, 5), (m) => assert.equal(m.amount, 5));
await calls.run('fetchMarginAdjustmentHistory', () => exchange.fetchMarginAdjustmentHistory(symbol), (m) => assert.ok(m.length >= 2));
await calls.run('createOrder isolated close', () => exchange.createOrder(symbol, 'market', 'sell', amount, undefined, { reduceOnly: true }));

// History.
await calls.run('fetchOrders', () => exchange.fetchOrders(symbol), (o) => assert.ok(o.length >= 6));
await calls.run('fetchClosedOrders', () => exchange.fetchClosedOrders(symbol), (o) => assert.ok(o.length >= 2));
await calls.run('fetchCanceledOrders', () => exchange.fetchCanceledOrders(symbol), (o) => assert.ok(o.length >= 1));
await calls.run('fetchMyTrades', () => exchange.fetchMyTrades(symbol), (t) => {
  assert.ok(t.length >= 4);
  positive(t[0].fee.cost);
});
await calls.run('fetchMyTrades of one order', () => exchange.fetchMyTrades(symbol, undefined, undefined, { orderId: bought.id }), (t) => {
  assert.ok(t.length >= 1);
  t.forEach((x) => assert.equal(x.order, bought.id));
});
await calls.run('fetchFundingHistory', () => exchange.fetchFundingHistory(symbol), isList);
await calls.run('fetchLedger', () => exchange.fetchLedger('USDT'), (rows) => assert.ok(rows.length >= 4));
await calls.run('fetchMyLiquidations', () => exchange.fetchMyLiquidations(symbol), isList);

// The WebSocket API.
await calls.run('fetchOrderBookWs', () => exchange.fetchOrderBookWs(symbol), (b) => assert.ok(b.bids.length > 0));
await calls.run('fetchTickerWs', () => exchange.fetchTickerWs(symbol), (t) => assert.ok(t.bid < t.ask));
await calls.run('fetchTickerWs of the price', () => exchange.fetchTickerWs(symbol, { method: 'ticker.price' }), (t) => positive(t.last));
await calls.run('fetchBalanceWs', () => exchange.fetchBalanceWs(), (b) => positive(b.USDT.total));
await calls.run('fetchPositionsWs', () => exchange.fetchPositionsWs([symbol]), isList);
await calls.run('fetchPositionWs', () => exchange.fetchPositionWs(symbol), isList);
await calls.run('createMarketOrderWs', () => exchange.createMarketOrderWs(symbol, 'buy', amount), (o) => assert.equal(o.filled, amount));
await calls.run('createOrderWs reduces', () => exchange.createOrderWs(symbol, 'market', 'sell', amount, undefined, reducing), (o) => assert.equal(o.filled, amount));
const overWs = await calls.run('createOrderWs', () => exchange.createOrderWs(symbol, 'limit', 'buy', amount, low));
await calls.run('fetchOrderWs', () => exchange.fetchOrderWs(overWs.id, symbol), (o) => assert.equal(o.price, low));
await calls.run('editOrderWs', () => exchange.editOrderWs(overWs.id, symbol, 'limit', 'buy', amount, lower), (o) => assert.equal(o.price, lower));
await calls.run('cancelOrderWs', () => exchange.cancelOrderWs(overWs.id, symbol), (o) => assert.equal(o.status, 'canceled'));

// What the streams saw.
const saw = (order, status) => seen.orders.some((x) => x.id === order.id && x.status === status);
await calls.run('watchOrders of a fill', () => until(() => saw(bought, 'closed')));
await calls.run('watchOrders of a cancellation', () => until(() => saw(limit, 'canceled')));
// ccxt keeps ordinary and conditional orders in one table by id: one of the other kind must not have taken its place.
await calls.run('the cache of orders', async () => exchange.orders.find((o) => o.id === bought.id), (o) => assert.equal(o.status, 'closed'));
await calls.run('watchMyTrades', () => until(() => seen.mine.some((x) => x.order === bought.id)));
await calls.run('watchBalance', () => until(() => seen.balance > 0));
await calls.run('watchPositions', () => until(() => seen.positions > 0));
await calls.run('setPositionMode hedged', () => exchange.setPositionMode(true, symbol));
await calls.run('createOrder hedge long', () => exchange.createOrder(symbol, 'market', 'buy', amount, undefined, { positionSide: 'LONG' }));
await calls.run('createOrder hedge short', () => exchange.createOrder(symbol, 'market', 'sell', amount, undefined, { positionSide: 'SHORT' }));
await calls.run('fetchPositions hedge', () => exchange.fetchPositions([symbol]), (p) => assert.equal(p.filter((x) => x.contracts > 0).length, 2));
await calls.run('close hedge long', () => exchange.createOrder(symbol, 'market', 'sell', amount, undefined, { positionSide: 'LONG' }));
await calls.run('close hedge short', () => exchange.createOrder(symbol, 'market', 'buy', amount, undefined, { positionSide: 'SHORT' }));
await calls.run('setPositionMode one-way', () => exchange.setPositionMode(false, symbol));
watching = false;
await exchange.close();

// The class of all of Binance, set to swaps: what freqtrade uses.
const whole = new ccxt.binance(configuration(base));
await calls.run('binance loadMarkets', () => whole.loadMarkets(), (m) => assert.ok(m[symbol].swap));
await calls.run('binance fetchBalance', () => whole.fetchBalance(), (b) => positive(b.USDT.total));
await calls.run('binance fetchTickers', () => whole.fetchTickers(both), (t) => positive(t[symbol].last));
await calls.run('binance createOrder', () => whole.createOrder(symbol, 'market', 'buy', amount), (o) => assert.equal(o.status, 'closed'));
await calls.run('binance createOrder closes', () => whole.createOrder(symbol, 'market', 'sell', amount, undefined, reducing), (o) => assert.equal(o.filled, amount));
await calls.run('binance fetchPositions', () => whole.fetchPositions([symbol]), (p) => assert.equal(p.filter((x) => x.contracts > 0).length, 0));

await Promise.race([Promise.allSettled(watchers), sleep(1000)]);
calls.finish();
