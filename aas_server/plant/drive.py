"""The physics of a belt drive: what a drum can pull by friction, and what happens where that is not enough."""

import math
import random
from dataclasses import dataclass, field

#: Friction between drum and belt.
DRY, WET = 0.35, 0.15
LEAST_FRICTION, MOST_FRICTION = 0.01, 1.0

#: Metres per second, newtons, kilograms, seconds, metres, amperes, degrees Celsius.
MOST_SPEED = 1.5
RAMP = 0.4
SLACK_TENSION = 400.0
WRAP = math.pi
BELT_MASS = 120.0
ROLLING, RUNNING = 120.0, 300.0
SPACING = 0.35
IDLE_CURRENT, CURRENT_PER_NEWTON = 0.85, 0.0034
AMBIENT = 22.0
#: A belt that pulls stretches, and creeps even where nothing slips: the part of the speed that it loses at its limit.
CREEP = 0.01


@dataclass(slots=True)
class Drive:
    """A motor turns a drum, the drum pulls a belt by friction (Euler and Eytelwein), the belt carries parts.

    Speeds are in m/s, friction is the coefficient between drum and belt.
    """

    setpoint: float = 0.6
    friction: float = DRY
    stopped: bool = False
    drum: float = 0.0
    belt: float = 0.0
    travelled: float = 0.0
    seconds: float = 812.25 * 3600
    temperature: float = AMBIENT
    noise: random.Random = field(default_factory=lambda: random.Random(4711))  # noqa: S311 - noise, no secret

    @property
    def limit(self) -> float:
        """The largest force in N that the drum can put on the belt: `T2 (e^(μα) - 1)`."""
        return SLACK_TENSION * (math.exp(self.friction * WRAP) - 1)

    @property
    def resistance(self) -> float:
        """The force in N that the moving belt and its load need."""
        return ROLLING + (RUNNING - ROLLING) * abs(self.belt) / 0.6

    @property
    def slip(self) -> float:
        """The part of the drum's speed that the belt loses."""
        return 1 - self.belt / self.drum if self.drum > 0.01 else 0.0

    def step(self, seconds: float) -> None:
        """What happens in a time of at most a tenth of a second."""
        wanted = 0.0 if self.stopped else self.setpoint
        self.drum += max(-RAMP * seconds, min(RAMP * seconds, wanted - self.drum))
        self._pull(seconds)
        self.travelled += self.belt * seconds
        self.seconds += seconds if self.drum > 0.01 else 0.0
        lost = 0.02 * self.resistance * self.belt + self.limit * max(self.drum - self.belt, 0.0)
        self.temperature += (AMBIENT + 5.0 * lost - self.temperature) * seconds / 300

    def _pull(self, seconds: float) -> None:
        """The belt follows the drum as far as friction goes; what is missing is slip."""
        follows = self.drum * (1 - CREEP * min(1.0, self.resistance / self.limit))
        needed = self.resistance + BELT_MASS * (follows - self.belt) / seconds
        if abs(needed) <= self.limit:
            self.belt = follows
            return
        force = math.copysign(self.limit, needed)
        self.belt = max(0.0, self.belt + (force - self.resistance) / BELT_MASS * seconds)

    def measured(self) -> dict[str, float | int | str | bool]:
        """What sensors would show, noise included."""
        slipping = max(self.drum - self.belt, 0.0)
        force = min(self.resistance, self.limit) if self.drum > 0.01 else 0.0
        current = math.hypot(IDLE_CURRENT, CURRENT_PER_NEWTON * force) if self.drum > 0.01 else 0.0
        return {
            "Speed": self._about(self.belt, 0.001),
            "DrumSpeed": self._about(self.drum, 0.001),
            "MotorCurrent": self._about(current, 0.01),
            "Vibration": self._about(0.8 * min(1.0, self.drum / 0.6) + 18.0 * slipping, 0.05),
            "BearingTemperature": self._about(self.temperature, 0.05),
            "OperatingHours": round(self.seconds / 3600, 4),
            "PartsCount": 48213 + int(self.travelled / SPACING),
            "State": self._state(slipping),
            "EmergencyStop": self.stopped,
            "SpeedSetpoint": self.setpoint,
            "Friction": self.friction,
        }

    def _about(self, value: float, spread: float) -> float:
        return round(max(0.0, value + self.noise.gauss(0, spread)), 3) if value > 0.01 else 0.0

    def _state(self, slipping: float) -> str:
        if self.drum <= 0.01:
            return "Stopped"
        if slipping > 0.05 * self.drum:
            return "Slipping"
        return "Running" if abs(self.drum - self.setpoint) < 0.01 else "Starting"
